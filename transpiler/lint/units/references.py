"""The names of other units that a unit has: misspelled ones, and required ones that nothing brings.

Source: systemd.unit(5). A unit that requires another which does not exist does not start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice

from provision.config.problems import Path, Problem
from transpiler.lint.content.ini import Setting, settings
from transpiler.lint.content.kinds import QUADLET_TYPES, SYSTEMD_TYPES, kind_of
from transpiler.lint.content.tables import listed, table
from transpiler.lint.content.texts import MOST_IN_A_TEXT, machine_texts, tree_nodes
from transpiler.lint.source import LintInput
from transpiler.lint.units.unit_text import UnitText, unit_texts

_NAMES_OF_UNITS = re.compile(r"UNIT( \[\.\.\.\])?|SOCKETS|SERVICE|SLICE")

_NAMING = {"WantedBy", "RequiredBy", "UpheldBy", "Also"}

_REQUIRING = {"Requires", "Requisite", "BindsTo", "BindTo"}

_OFTEN_NAMED = ("service", "target", "socket", "timer", "path", "mount", "slice")
"""The types of units, the most usual one first."""

_NEVER_MADE_BY_THE_SYSTEM = {"service", "socket", "target", "timer", "path"}
"""The types whose units are files. Units of other types are made of devices, mounts and processes too."""

_KNOWN_SYSTEMS = {"fcos": "Fedora CoreOS", "flatcar": "Flatcar"}
"""The variants whose machines have no other units than those of the image and the config."""

_BRINGS_UNITS = re.compile(
    r"\b(?:rpm-ostree|dnf5?|yum|bootc|apt(?:-get)?|ostree|curl|wget|aria2c|sysext|confext|portablectl|flatpak|snap|tar"
    r"|unzip|cpio|rsync|scp|git|pip3?|npm|make|helm|install|cp|ln|tee|podman generate|generator|mkosi|podlet)\b"
    r"|systemctl\b[^\n]{0,99}\b(?:link|edit|daemon-reload|enable|set-property)|/systemd/|/extensions\b|base64|ansible|python"
)
"""What a text has if the machine may get more units when it runs it."""

_EXTENSIONS = re.compile(r"/(?:etc|run|opt|usr|var/lib)/(?:extensions|confexts|portables|sysupdate\.[^/]*)(?:/.*)?")


def named_unit(one: Setting, unit: UnitText, own: frozenset[str]) -> tuple[str, str, str] | None:
    """A name that systemd refuses, or that no unit has and that is almost the name of one: rule, message, hint."""
    kind = table("units")[one.section].get(one.name, "")
    if not (_NAMES_OF_UNITS.fullmatch(kind) or one.name in _NAMING):
        return None
    for word in one.value.split():
        suffix = word.rpartition(".")[2]
        if _is_filled_in(word) or _is_known(word, own):
            continue
        if suffix not in SYSTEMD_TYPES and not (unit.is_quadlet and suffix in QUADLET_TYPES):
            hint = _with_type(word, unit.name, own) or f"write {word}.service, or {word}.target"
            message = f"systemd refuses this name: {word} has no type of unit at its end"
            return "unit-reference", message, hint
        near = _misspelled(word, unit.name, own)
        if near:
            return "unit-reference", f"no unit of this config has the name {word}", f"did you mean {near}?"
    return None


def _with_type(word: str, of_unit: str, own: frozenset[str]) -> str:
    """The known unit with this name and a type, or an own one that is almost the same; empty if there is none."""
    known = next((f"{word}.{one}" for one in _OFTEN_NAMED if _is_known(f"{word}.{one}", own)), "")
    near = next((one for one in sorted(own - {of_unit}) if _is_typo(word, one.rpartition(".")[0])), "")
    return f"write {known}" if known else f"did you mean {near}?" if near else ""


def missing_units(source: LintInput) -> Iterator[Problem]:
    """Warnings about required units that neither the config nor the system brings, where that is certain."""
    system = _KNOWN_SYSTEMS.get(source.variant.name, "")
    if not system:
        return
    own = own_units(source)
    found: list[Problem] = []
    for unit in unit_texts(source):
        if unit.kind.of_system:
            found += islice(_missing(unit, system, own, source), MOST_IN_A_TEXT)
    if found and not _may_get_more_units(source):  # asked last, because it reads all texts
        yield from found


def _missing(unit: UnitText, system: str, own: frozenset[str], source: LintInput) -> Iterator[Problem]:
    for one in settings(unit.text):
        for name in one.value.split() if one.section == "Unit" and one.name in _REQUIRING else ():
            if _is_missing(name, unit, own):
                message = f"neither this config nor {system} brings {name}, so this unit does not start"
                near = _misspelled(name, unit.name, listed("known-units"))
                hint = (
                    f"did you mean {near}?"
                    if near
                    else f"add {name} to the config, or write Wants={name} if it may be missing"
                )
                yield unit.at(source, one.line, "missing-unit", message, hint)


def _is_missing(name: str, unit: UnitText, own: frozenset[str]) -> bool:
    suffix = name.rpartition(".")[2]
    if _is_filled_in(name) or suffix not in _NEVER_MADE_BY_THE_SYSTEM or _is_known(name, own):
        return False
    return "@" not in name and not _misspelled(name, unit.name, own)


def _is_filled_in(word: str) -> bool:
    return "%" in word or "$" in word or "{" in word


def _is_known(word: str, own: frozenset[str]) -> bool:
    """Whether the config or a known package brings a unit, or the template of which it is an instance."""
    names = {word, f"{word.partition('@')[0]}@.{word.rpartition('.')[2]}"}
    return any(names & known for known in (own, listed("unit-names"), listed("known-units")))


def own_units(source: LintInput) -> frozenset[str]:
    """The names of all units that the config brings: units, files, links, and what podman makes of quadlets."""
    systemd, storage = source.record.systemd, source.record.storage
    names = {unit.name for unit in systemd.units}
    paths = [node.path for kind in ("files", "links") for node in getattr(storage, kind)]
    paths += [f"/etc/containers/systemd/{one.name}" for one in getattr(systemd, "quadlets", ())]
    paths += [one.name for one in tree_nodes(source)]
    for path in paths:
        kind = kind_of(path)
        if kind.reader == "quadlet" and not kind.is_dropin:
            names |= {kind.name, _made_of_quadlet(kind.name)}
        elif kind.reader == "unit" and not kind.is_dropin:
            names.add(kind.name)
    for unit in unit_texts(source):
        for one in settings(unit.text):
            if one.name in {"Alias", "ServiceName", "PodName"}:
                names.update(_service(word) for word in one.value.split())
    return frozenset(names)


def _service(name: str) -> str:
    return name if name.rpartition(".")[2] in SYSTEMD_TYPES else f"{name}.service"


def _made_of_quadlet(name: str) -> str:
    """The unit that podman makes of a quadlet. Source: podman-systemd.unit(5)."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.service" if suffix in {"container", "kube"} else f"{stem}-{suffix}.service"


def _may_get_more_units(source: LintInput) -> bool:
    """Whether the machine may have units that this text does not show."""
    config, storage = source.record.ignition.config, source.record.storage
    if any(one.source or one.local or one.inline for one in (*config.merge, config.replace)):
        return True
    nodes = [node for kind in ("files", "links", "directories") for node in getattr(storage, kind)]
    if any(_EXTENSIONS.fullmatch(node.path) for node in nodes):
        return True
    texts = list(machine_texts(source, lambda _name: True))
    if _has_unread_contents(source, {one.path[:3] for one in texts}):
        return True
    return any(_BRINGS_UNITS.search(_without_comments(one.text)) for one in texts)


def _has_unread_contents(source: LintInput, read: set[Path]) -> bool:
    """Whether a file, unit or tree has contents that are elsewhere, large or not text, or of no known program.

    `read` are the first three parts of the paths of all texts.
    """
    storage = source.record.storage
    for index, file in enumerate(storage.files):
        has_contents = any(getattr(file.contents, one) for one in ("source", "inline", "local"))
        if file.append or (has_contents and ("storage", "files", index) not in read):
            return True
    for index, unit in enumerate(source.record.systemd.units):
        if getattr(unit, "contents_local", None) and ("systemd", "units", index) not in read:
            return True
    if getattr(storage, "trees", ()) and not source.files_dir:
        return True
    return any(one.is_file and not kind_of(one.name).reader for one in tree_nodes(source))


def _without_comments(text: str) -> str:
    """A text without comments and without the lines of sections, such as [Install]."""
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(("#", ";", "[")))


def _misspelled(word: str, of_unit: str, names_of_others: frozenset[str]) -> str:
    """The unit that a name probably means, of these or systemd's own: one letter differs, or two changed places."""
    stem, _, suffix = word.rpartition(".")
    for length in range(max(len(stem) - 1, _SHORT + 1), len(stem) + 2) if len(stem) > _SHORT else ():
        for names in (names_of_others, listed("unit-names")):
            for other in _by_length(names).get((suffix, length), ()):
                known = f"{other}.{suffix}"
                if known != of_unit and _is_typo(stem, other):
                    return known
    return ""


@lru_cache(maxsize=8)
def _by_length(names: frozenset[str]) -> Mapping[tuple[str, int], list[str]]:
    """Names of units without their types, by the type and their length."""
    found: dict[tuple[str, int], list[str]] = {}
    for name in sorted(names):
        stem, _, suffix = name.rpartition(".")
        found.setdefault((suffix, len(stem)), []).append(stem)
    return found


_SHORT = 4
"""Names of this length or less are not compared: many of them differ in one letter."""


def _is_typo(word: str, known: str) -> bool:
    """Whether a word becomes another by one letter more, less or changed, or two neighbours swapped; not by digits."""
    start = next((n for n, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    rest, other = word[start:], known[start:]
    changed = rest[:1] + other[:1]
    if any(not letter.isalpha() and letter != "-" for letter in changed):
        return False
    return (
        rest[1:] == other[1:]
        or rest[1:] == other
        or rest == other[1:]
        or (rest[:2] == other[:2][::-1] and rest[2:] == other[2:])
    )
