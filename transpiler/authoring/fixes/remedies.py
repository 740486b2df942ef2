"""Which edit mends a problem, and whether it is certain.

The hint of a problem says what to write; the remedies take it from there. A remedy is certain if a second one is not
likely. `did you mean X?` is certain if the author has mistyped one letter.
"""

from __future__ import annotations

from collections.abc import Callable

from provision.config.reports.rule_ids import rule_of
from transpiler.authoring.fixes import line_remedies as lines
from transpiler.authoring.fixes import yaml_remedies as yaml
from transpiler.authoring.fixes.place import Place, one_letter_apart
from transpiler.authoring.text_edits import Edit


def remedy(place: Place) -> Edit | None:
    """The edit that does what the hint of a problem says; None if the hint does not name exactly one text."""
    found = _REMEDIES.get(rule_of(place.problem))
    return found(place) if found is not None else None


def is_certain(place: Place, edit: Edit) -> bool:
    """Whether no other remedy is likely, so that the edit can be made without asking the author."""
    if rule_of(place.problem) in _NEVER_CERTAIN or place.problem.path[-1:] == ("size_mib",):
        return False
    if "did you mean" not in f"{place.problem.message} {place.problem.hint}":
        return rule_of(place.problem) not in _CERTAIN_IF_MISTYPED
    old = place.lines[edit.line - 1][edit.start - 1 : edit.end - 1].strip("\"'")
    return one_letter_apart(old, edit.text) and _digits(old) == _digits(edit.text)


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


_REMEDIES: dict[str, Callable[[Place], Edit | None]] = {
    "account-path": yaml.hinted_value,
    "decimal-mode": yaml.mode,
    "dropin-extension": yaml.hinted_value,
    "exposed-secret": yaml.mode_of_file,
    "illegal-mode": yaml.mode,
    "keyfile-mode": yaml.mode_of_file,
    "keyfile-section": lines.section,
    "keyfile-setting": lines.name,
    "keyfile-value": lines.value,
    "kernel-type": yaml.hinted_value,
    "locale": lines.locale,
    "mount-unit-name": yaml.hinted_value,
    "network-section": lines.section,
    "network-setting": lines.name,
    "network-value": lines.value,
    "no-blank": yaml.missing_blank,
    "no-colon": yaml.colon,
    "no-exec-start": lines.exec_start,
    "no-install-section": yaml.install_section,
    "not-executable": yaml.mode_of_file,
    "odd-space": yaml.plain_space,
    "quadlet-name": yaml.hinted_value,
    "relative-path": yaml.hinted_value,
    "settings-name": lines.name,
    "settings-section": lines.section,
    "settings-value": lines.value,
    "sshd-name": yaml.hinted_value,
    "sshd-setting": lines.name,
    "sshd-value": lines.value,
    "sudoers": lines.rule_of_sudo,
    "sudoers-mode": yaml.mode_of_file,
    "sudoers-name": yaml.hinted_value,
    "symlink-mount-point": yaml.hinted_value,
    "time-zone": yaml.time_zone,
    "tmpfiles": lines.path,
    "typographic-quotes": yaml.straight_quotes,
    "unclean-path": yaml.hinted_value,
    "unit-extension": yaml.similar_value,
    "unit-name": yaml.hinted_value,
    "unit-reference": lines.named_unit,
    "unit-section": lines.section,
    "unit-setting": lines.name,
    "unit-value": lines.value,
    "unused-key": yaml.key,
    "unused-label": yaml.similar_value,
    "unwritable-path": yaml.hinted_value,
    "variant": yaml.head,
    "version": yaml.head,
    "wrong-type": yaml.wrong_type,
}
"""Rule -> the edit that mends its problem; None if this problem has no remedy that its hint names."""

_NEVER_CERTAIN = {
    "account-path",
    "exposed-secret",
    "mount-unit-name",
    "no-install-section",
    "not-executable",
    "relative-path",
    "tmpfiles",
    "unused-label",
    "unwritable-path",
}
"""Rules whose problems have a second likely remedy: the mode is right and the owner is wrong, or another target."""

_CERTAIN_IF_MISTYPED = {"locale", "quadlet-name", "unit-reference", "unit-value"}
"""Rules whose remedies are certain only for one mistyped letter, and not for `write X`."""
