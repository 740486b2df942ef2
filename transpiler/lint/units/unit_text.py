"""Lints about systemd units: their sections, and valid files that systemd refuses at boot.

Sources: systemd.unit(5), systemd.service(5), systemd.mount(5); podman-systemd.unit(5) for quadlets.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from provision.config.problems import Path, Problem
from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.ini import settings
from transpiler.lint.content.kinds import FileKind, kind_of
from transpiler.lint.content.ostree import is_ostree, link_above, real_path
from transpiler.lint.content.texts import MOST_IN_A_TEXT, MachineText, machine_texts
from transpiler.lint.content.wrong_lines import WrongLine
from transpiler.lint.source import LintInput, remark
from transpiler.lint.templates import TEMPLATE

_COMMON_SECTIONS = {"Unit", "Install"}

_SECTION_OF_SUFFIX = {
    "service": "Service",
    "socket": "Socket",
    "mount": "Mount",
    "automount": "Automount",
    "swap": "Swap",
    "path": "Path",
    "timer": "Timer",
    "slice": "Slice",
    "scope": "Scope",
}

_NAME = re.compile(r"[\w:.\\@-]{1,255}", re.ASCII)
"""The characters of unit names. Source: systemd.unit(5), "String escaping"."""

_PLACEHOLDER = re.compile(r"[{}<>@$%]")
"""What a line has that another program probably replaces."""

_QUADLET_SECTIONS = {
    "Container",
    "Volume",
    "Network",
    "Kube",
    "Image",
    "Build",
    "Pod",
    "Artifact",
    "Quadlet",
    "Service",
}


class UnitText(NamedTuple):
    """A unit, drop-in or quadlet: its text, the name of its unit, and its allowed sections."""

    source: MachineText
    kind: FileKind
    sections: set[str]

    @property
    def text(self) -> str:
        """The whole text."""
        return self.source.text

    @property
    def name(self) -> str:
        """The name of the unit or quadlet, that of a drop-in too."""
        return self.kind.name

    @property
    def is_quadlet(self) -> bool:
        """Whether podman makes a unit of it."""
        return self.kind.reader == "quadlet"

    @property
    def below_systemd(self) -> bool:
        """Whether the config has it under `systemd`, not as a file."""
        return self.source.path[0] == "systemd"

    def at(self, source: LintInput, line: int, rule: str, message: str, hint: str) -> Problem:
        """A warning about a line, from 0."""
        return self.source.remark(source, WrongLine(line, rule, message, hint))


def units(source: LintInput) -> Iterator[Problem]:
    """Warnings about the texts of units, drop-ins and quadlets."""
    yield from _names(source)
    for one in unit_texts(source):
        yield from islice(_lines(one, source), MOST_IN_A_TEXT)
        if not one.kind.is_dropin and not one.is_quadlet:
            yield from _service(one, source)
            yield from _mount(one, source)


def _names(source: LintInput) -> Iterator[Problem]:
    for index, unit in enumerate(source.record.systemd.units):
        if unit.name and not _NAME.fullmatch(unit.name) and not TEMPLATE.search(unit.name):
            simple = unit.name.rpartition("/")[2]
            message = "systemd does not know a unit with this name"
            hint = f"write {simple}" if _NAME.fullmatch(simple) else "use letters, digits and : - _ . \\ @ only"
            yield remark(("systemd", "units", index, "name"), "unit-name", message, hint)


def unit_texts(source: LintInput) -> Iterator[UnitText]:
    """The texts of all units, drop-ins and quadlets whose names end in a known type."""
    for one in machine_texts(source, lambda name: kind_of(name).reader in {"unit", "quadlet"}):
        kind = kind_of(one.name)
        sections = _COMMON_SECTIONS | _QUADLET_SECTIONS if kind.reader == "quadlet" else sections_of(kind.name)
        yield UnitText(one, kind, sections)


def sections_of(name: str) -> set[str]:
    """The sections that a unit with this name may have."""
    own = _SECTION_OF_SUFFIX.get(name.rpartition(".")[2])
    return {*_COMMON_SECTIONS, own} if own else _COMMON_SECTIONS


def _lines(unit: UnitText, source: LintInput) -> Iterator[Problem]:
    """Warnings about sections that systemd does not know, and about settings before the first section."""
    section, continued = "", False
    for number, line in enumerate(unit.text.split("\n")):
        here, continued = continued, line.rstrip().endswith("\\")
        stripped = line.strip()
        if here or not stripped or stripped.startswith(("#", ";")):
            continue
        if stripped.startswith("["):
            section = stripped[1:].partition("]")[0]
            if section not in unit.sections and not section.startswith("X-") and stripped.endswith("]"):
                yield unit.at(source, number, "unit-section", *_unknown_section(unit, section))
        elif not section and "=" in stripped:
            section = "?"
            hint = "write a section before it, such as [Service]"
            message = "systemd ignores settings before the first section"
            yield unit.at(source, number, "unit-without-section", message, hint)
        elif section and "=" not in stripped and not _PLACEHOLDER.search(stripped):
            yield unit.at(
                source, number, "setting-without-equals", "systemd ignores a line without `=`", "write Name=value"
            )


def _unknown_section(unit: UnitText, section: str) -> tuple[str, str]:
    """What is wrong, and what to write."""
    everywhere = {*_SECTION_OF_SUFFIX.values(), *_COMMON_SECTIONS, *_QUADLET_SECTIONS}
    if section in everywhere:
        message = f"systemd ignores the section [{section}] in {unit.name}"
    else:
        message = f"systemd does not know the section [{section}] and ignores it"
    near = did_you_mean(section, unit.sections).strip(" ()")
    hint = near or f"sections of this unit: {', '.join(f'[{name}]' for name in sorted(unit.sections))}"
    return message, hint


def _settings(unit: UnitText, section: str) -> dict[str, str]:
    """The settings of a section by name; of equal names the last one counts."""
    found: dict[str, str] = {}
    current = ""
    for line in unit.text.split("\n"):
        stripped = line.strip()
        if stripped.startswith("["):
            current = stripped.strip("[]")
        elif current == section and "=" in stripped and not stripped.startswith(("#", ";")):
            name, _, value = stripped.partition("=")
            found[name.strip()] = value.strip()
    return found


def _service(unit: UnitText, source: LintInput) -> Iterator[Problem]:
    if has_no_exec_start(unit):
        near = next((name for name in _settings(unit, "Service") if did_you_mean(name, ["ExecStart"])), "")
        hint = f"write ExecStart= in place of {near}=" if near else _ADD_EXEC_START
        start = f"{near}=" if near else "[Service]"
        lines = unit.text.split("\n")
        number = next((n for n, line in enumerate(lines) if line.replace(" ", "").startswith(start)), 0)
        yield unit.at(source, number, "no-exec-start", "systemd refuses a service that has no ExecStart=", hint)


def has_no_exec_start(unit: UnitText) -> bool:
    """Whether a whole unit is a service that systemd refuses because it has nothing to run."""
    if unit.kind.is_dropin or unit.is_quadlet or not unit.name.endswith(".service"):
        return False
    runs = {"ExecStart", "ExecStop", "BusName"} & _settings(unit, "Service").keys()
    return "[Service]" in unit.text and not runs and "SuccessAction" not in _settings(unit, "Unit")


_ADD_EXEC_START = "add a line `ExecStart=/path/to/program` below [Service]"


def _mount(unit: UnitText, source: LintInput) -> Iterator[Problem]:
    kind = unit.name.rpartition(".")[2]
    if kind not in {"mount", "automount"}:
        return
    section = kind.capitalize()
    where = _settings(unit, section).get("Where", "")
    if not where.startswith("/") or "%" in where:
        return
    wanted = f"{escaped_path(where)}.{kind}"
    if wanted != unit.name:
        message = f"systemd refuses this unit: its name does not match Where={where}"
        path, hint = _renamed(unit, wanted)
        yield remark(path, "mount-unit-name", message, hint)
        return
    link, target = link_above(posixpath.normpath(where))
    if link and is_ostree(source):
        lines = [one.line for one in settings(unit.text) if (one.section, one.name) == (section, "Where")]
        message = f"systemd mounts nothing through a link, and {link} is a link to {target} on this system"
        real = real_path(posixpath.normpath(where))
        hint = f"write Where={real} in a unit {escaped_path(real)}.{kind}"
        yield unit.at(source, lines[-1], "symlink-mount-point", message, hint)


def _renamed(unit: UnitText, wanted: str) -> tuple[Path, str]:
    """The place of a unit's name, and how to write another one."""
    text = unit.source
    if unit.below_systemd:
        return (*text.path[:-1], "name"), f"write name: {wanted}"
    if text.path[1] == "files":
        return (*text.path[:3], "path"), f"write path: {text.name.rpartition('/')[0]}/{wanted}"
    return text.path, f"rename {unit.name} to {wanted}"


def escaped_path(path: str) -> str:
    """The name of a unit for a path, as `systemd-escape --path` makes it."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if not parts:
        return "-"
    text = "/".join(parts)
    made = "".join("-" if one == "/" else one if re.match(r"[A-Za-z0-9:_.]", one) else _escape(one) for one in text)
    return "\\x2e" + made[1:] if made.startswith(".") else made


def _escape(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode())
