"""Whole quadlets that podman refuses, although each of their lines is good.

A quadlet is judged with its drop-ins in the config. Sources: podman-systemd.unit(5); containers/podman, `quadlet.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from provision.config.problems import Problem
from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.ini import settings
from transpiler.lint.content.kinds import QUADLET_TYPES
from transpiler.lint.content.texts import machine_texts
from transpiler.lint.source import LintInput, node_at, remark
from transpiler.lint.units.references import own_units
from transpiler.lint.units.unit_text import unit_texts
from transpiler.lint.units.whole_units import Line

_NEEDED: Mapping[str, Sequence[tuple[str, ...]]] = {
    "Container": (("Image", "Rootfs"),),
    "Image": (("Image",),),
    "Kube": (("Yaml",),),
    "Build": (("ImageTag",), ("File", "SetWorkingDirectory", "WorkingDirectory")),
}
"""The section of a quadlet -> the groups of settings of which it needs one each."""

_OTHER_QUADLETS: Mapping[str, tuple[str, ...]] = {
    "Network": ("network", "container"),
    "Volume": ("volume",),
    "Pod": ("pod",),
    "Image": ("image", "build"),
}
"""The setting that names another quadlet -> the types that it may have."""

_NEAR_QUADLETS = re.compile(r"(?:/(?:etc|run|usr/share)|/.*/\.config)/containers/systemd/(?:.*/)?[^/]+\.([a-z]+)")

_BRINGS_QUADLETS = re.compile(
    r"containers/systemd|quadlet|podlet|ansible|\bgit\b|\brpm-ostree\b|\bbootc\b|sysext|\btar\b"
)
"""What a text has if the machine may get more quadlets when it runs it."""

Given = Mapping[str, Sequence[Line]]
"""The name of a setting -> its lines with a value."""


def quadlets(source: LintInput) -> Iterator[Problem]:
    """Warnings about quadlets that podman refuses as a whole, and files that it takes for no quadlets."""
    yield from _file_names(source)
    texts = [one for one in unit_texts(source) if one.is_quadlet]
    if not texts:
        return
    changed = {one.name for one in texts if one.kind.is_dropin}
    own = own_units(source)
    missing: list[Problem] = []
    for unit in texts:
        kind = unit.name.rpartition(".")[2]
        of_several = kind in changed or any(re.search(r"-\.|@", name) for name in changed)
        if unit.kind.is_dropin or of_several or "{{" in unit.text or "{%" in unit.text:
            continue
        dropins = [one for one in texts if one.name == unit.name and one.kind.is_dropin]
        lines = [Line(one, line) for one in (unit, *dropins) for line in settings(one.text)]
        sections = {one.setting.section for one in lines if one.setting.opens_section}
        if kind.capitalize() not in sections:
            if kind.capitalize() in _NEEDED and sections and sections <= {"Unit", "Install", "Service", "Quadlet"}:
                message, hint = f"podman refuses this quadlet: it has no section [{kind.capitalize()}]", "add it"
                yield unit.at(source, lines[0].setting.line, "incomplete-unit", message, hint)
            continue  # another lint tells about a section that is misspelled
        given = {section: _given(lines, section) for section in sections}
        yield from _whole(kind.capitalize(), given, lines, source)
        missing += _missing_quadlets(given[kind.capitalize()], own, source)
    if missing and not _may_get_more_quadlets(source):
        yield from missing


def _given(lines: Sequence[Line], section: str) -> Given:
    found: dict[str, list[Line]] = {}
    for one in lines:
        if one.setting.section == section and one.setting.has_equals and one.setting.name:
            if one.setting.value:
                found.setdefault(one.setting.name, []).append(one)
            else:
                found.pop(one.setting.name, None)
    return found


def _whole(section: str, given: Mapping[str, Given], lines: Sequence[Line], source: LintInput) -> Iterator[Problem]:
    own, service = given[section], given.get("Service", {})
    if any(not one.setting.has_equals and not one.setting.opens_section for one in lines):
        return  # a line that is not understood may be the one that is missing
    first = next(one for one in lines if one.setting.opens_section and one.setting.section == section)
    for names in _NEEDED.get(section, ()):
        is_near = any(did_you_mean(name, names) for name in own if name not in names)
        if not any(name in own or (section == "Build" and name in service) for name in names) and not is_near:
            message = f"podman refuses a quadlet without {names[0]}="
            yield first.unit.at(source, first.setting.line, "incomplete-unit", message, f"add a line {names[0]}=...")
    if section == "Container" and "Image" in own and "Rootfs" in own:
        yield _at(own["Rootfs"][-1], "podman refuses Image= and Rootfs= in one quadlet", "remove one of them", source)
    if section == "Container" and "Group" in own and "User" not in own:
        yield _at(own["Group"][-1], "podman refuses Group= without User=", "add a line User=...", source)
    if section == "Network" and "Subnet" not in own:
        for name in sorted({"Gateway", "IPRange"} & own.keys()):
            yield _at(own[name][-1], f"podman refuses {name}= without Subnet=", "add a line Subnet=...", source)
    if section in {"Container", "Kube"}:
        for name, accepted in (("Type", ("notify", "oneshot")), ("KillMode", ("mixed", "control-group"))):
            value = service[name][-1].setting.value if name in service else accepted[0]
            if value not in accepted and "%" not in value and "$" not in value:
                message = f"podman refuses {name}={value} in a quadlet"
                yield _at(service[name][-1], message, f"remove the line, or write {' or '.join(accepted)}", source)


def _at(line: Line, message: str, hint: str, source: LintInput) -> Problem:
    return line.unit.at(source, line.setting.line, "quadlet", message, hint)


def _missing_quadlets(own: Given, brought: frozenset[str], source: LintInput) -> Iterator[Problem]:
    """Warnings about names of other quadlets that the config does not have."""
    for name, types in _OTHER_QUADLETS.items():
        for line in own.get(name, ()):
            other = line.setting.value.strip("\"'").partition(":")[0]
            if re.search("[%$/@]", other) or other in brought:
                continue
            if "." in other and other.rpartition(".")[2] in types:
                near = did_you_mean(other, [one for one in brought if one.endswith(types)]).strip(" ()")
                message = f"podman refuses this quadlet: nothing brings {other}"
                yield _at(line, message, near or f"add a quadlet {other} to the config", source)._replace(
                    rule="missing-quadlet"
                )


def _may_get_more_quadlets(source: LintInput) -> bool:
    """Whether the machine may have quadlets that this text does not show."""
    config, storage = source.record.ignition.config, source.record.storage
    if any(one.source or one.local or one.inline for one in (*config.merge, config.replace)):
        return True
    if getattr(storage, "trees", ()) and not source.files_dir:
        return True
    if any("containers/systemd" in link.path for link in storage.links):
        return True
    texts = machine_texts(source, lambda _name: True)
    return any(_BRINGS_QUADLETS.search(one.text) for one in texts)


def _file_names(source: LintInput) -> Iterator[Problem]:
    """Warnings about files beside quadlets whose suffix is almost that of a quadlet, and whose text is one."""
    for index, file in enumerate(source.record.storage.files):
        found = _NEAR_QUADLETS.fullmatch(file.path) if len(file.path) < _LONGEST else None
        if not found or found[1] in QUADLET_TYPES:
            continue
        near = did_you_mean(found[1], QUADLET_TYPES).partition("mean ")[2].rstrip("?)")
        text = getattr(file.contents, "inline", None) or ""
        if near and re.search(rf"^\s*\[{near.capitalize()}\]\s*$", text, re.MULTILINE):
            path = ("storage", "files", index, "path")
            message = f"podman skips a file with the suffix .{found[1]}"
            hint = f"write {file.path.rpartition('.')[0]}.{near}" if node_at(source.root, path) else ""
            yield remark(path, "quadlet-name", message, hint)


_LONGEST = 4096
"""The longest path of Linux in bytes (`limits.h`)."""
