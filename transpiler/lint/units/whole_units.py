"""Whole units that systemd refuses, although each of their lines is good.

A unit is judged with its drop-ins in the config. Sources: systemd.service(5), systemd.socket(5), systemd.timer(5),
systemd.path(5), systemd.mount(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provision.config.problems import Problem
from transpiler.lint.content.ini import Setting, settings
from transpiler.lint.source import LintInput
from transpiler.lint.units.unit_text import UnitText, has_no_exec_start, unit_texts

_NEEDED = {
    "socket": ("Socket", ("Listen",), "ListenStream=", "socket that listens nowhere"),
    "timer": ("Timer", ("On",), "OnCalendar= or OnBootSec=", "timer without a time"),
    "path": ("Path", ("Path", "DirectoryNotEmpty"), "PathExists=", "path unit without a path"),
    "mount": ("Mount", ("What",), "What=", "mount unit without What="),
}
"""The type of a unit -> its section, the beginnings of the settings of which it needs one, and how to say so."""


class Line(NamedTuple):
    """A setting, and the unit or drop-in that has it."""

    unit: UnitText
    setting: Setting


def whole_units(source: LintInput) -> Iterator[Problem]:
    """Warnings about units that systemd refuses as a whole."""
    texts = list(unit_texts(source))
    changed = {one.name: one for one in texts if one.kind.is_dropin}
    for unit in texts:
        if unit.kind.is_dropin or unit.is_quadlet or "{{" in unit.text or "{%" in unit.text:
            continue
        kind = unit.name.rpartition(".")[2]
        own = [one for one in texts if one.name == unit.name and one.kind.is_dropin] if unit.name in changed else []
        if kind in changed or any(re.search(r"-\.|@", name) for name in changed):
            continue  # a drop-in for all units of a type, for those whose names begin alike, or for an instance
        lines = [Line(one, line) for one in (unit, *own) for line in settings(one.text)]
        if kind in {*_NEEDED, "service"} and _has_no_section_of_its_own(lines):
            section = _NEEDED[kind][0] if kind in _NEEDED else "Service"
            what = _NEEDED[kind][3] if kind in _NEEDED else "service that has nothing to run"
            message = f"systemd refuses a {what}"
            yield unit.at(source, lines[0].setting.line, "incomplete-unit", message, f"add a section [{section}]")
        elif kind in _NEEDED:
            yield from _without_needed(unit, kind, lines, source)
        elif kind == "service" and not has_no_exec_start(unit):
            yield from _service(lines, source)


def _has_no_section_of_its_own(lines: Sequence[Line]) -> bool:
    """Whether a unit has only sections that all units have. SuccessAction= is what a service may do alone."""
    sections = {one.setting.section for one in lines if one.setting.opens_section}
    return (
        bool(sections)
        and sections <= {"Unit", "Install"}
        and all(
            one.setting.name != "SuccessAction" and (one.setting.has_equals or one.setting.opens_section)
            for one in lines
        )
    )


def _without_needed(unit: UnitText, kind: str, lines: Sequence[Line], source: LintInput) -> Iterator[Problem]:
    section, beginnings, example, what = _NEEDED[kind]
    own = [one.setting for one in lines if one.setting.section == section]
    if not own or any(one.name.startswith(beginnings) and one.value for one in own):
        return  # without the section, another lint tells what is missing
    if any(not one.has_equals and not one.opens_section for one in own):
        return  # a line that is not understood may be the one that is missing
    first = next(one.line for one in own)
    yield unit.at(source, first, "incomplete-unit", f"systemd refuses a {what}", f"add a line {example}...")


def _service(lines: Sequence[Line], source: LintInput) -> Iterator[Problem]:
    kept: dict[str, list[Line]] = {}
    for one in lines:
        if one.setting.section == "Service" and one.setting.has_equals:
            if one.setting.value:
                kept.setdefault(one.setting.name, []).append(one)
            else:
                kept.pop(one.setting.name, None)
    given = {name: found[-1].setting.value for name, found in kept.items()}
    kind = given.get("Type", "dbus" if "BusName" in given else "simple")
    if "%" in kind or "$" in kind:
        return
    starts, restart = kept.get("ExecStart", []), kept.get("Restart", [])
    if kind != "oneshot" and len(starts) > 1:
        message = f"systemd refuses a second ExecStart= in a service with Type={kind}"
        hint = "write an empty line ExecStart= before it to replace the first, or write Type=oneshot to run both"
        yield starts[1].unit.at(source, starts[1].setting.line, "service-type", message, hint)
    if kind == "oneshot" and given.get("Restart") in {"always", "on-success"}:
        message = f"systemd refuses Restart={given['Restart']} in a service with Type=oneshot"
        yield restart[-1].unit.at(source, restart[-1].setting.line, "service-type", message, "write Restart=on-failure")
    if kind == "dbus" and "BusName" not in given and "Type" in kept:
        line = kept["Type"][-1]
        message = "systemd refuses a service with Type=dbus and without BusName="
        yield line.unit.at(source, line.setting.line, "service-type", message, "add a line BusName=...")
