"""Lints about the settings of units and quadlets: their names, sections and values, and the units they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from provision.config.problems import Path, Problem
from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.ini import Setting, settings
from transpiler.lint.content.kinds import QUADLET_TYPES
from transpiler.lint.content.kinds_of_values import is_boolean
from transpiler.lint.content.tables import table
from transpiler.lint.content.texts import MOST_IN_A_TEXT
from transpiler.lint.source import LintInput
from transpiler.lint.units.commands import wrong_command
from transpiler.lint.units.references import named_unit, own_units
from transpiler.lint.units.unit_text import UnitText, has_no_exec_start, unit_texts
from transpiler.lint.units.values import wrong_value

_SYSTEMD_SECTIONS = {"Unit", "Install", "Service"}

_COMMAND = "PATH [ARGUMENT [...]]"
"""The kind of settings such as ExecStart=."""

_UNITS: Path = ("systemd", "units")

Found = tuple[str, str, str]
"""A rule, what is wrong, and what to write."""


def unit_settings(source: LintInput) -> Iterator[Problem]:
    """Warnings about settings that systemd or podman do not know, values they refuse, and misspelled names of units."""
    own = own_units(source)
    for unit in unit_texts(source):
        yield from islice(_of_unit(unit, own, source), MOST_IN_A_TEXT)


def _of_unit(unit: UnitText, own: frozenset[str], source: LintInput) -> Iterator[Problem]:
    for one in settings(unit.text):
        if one.name and one.has_equals and one.section in unit.sections and not _has_remark(one, unit, source):
            found = _unknown_name(one, unit) or _value(one, unit) or named_unit(one, unit, own)
            if found is not None:
                yield unit.at(source, one.line, *found)


def _has_remark(one: Setting, unit: UnitText, source: LintInput) -> bool:
    """Whether a setting is the cause of another remark: on a service without ExecStart=, or without [Install]."""
    if one.name in table("units")["Install"] and one.section != "Install" and unit.source.path[:2] == _UNITS:
        enabled = source.record.systemd.units[unit.source.path[2]].enabled
        return bool(enabled) and "[Install]" not in unit.text
    is_start = one.section == "Service" and bool(did_you_mean(one.name, ["ExecStart"]))
    return is_start and has_no_exec_start(unit)


def _unknown_name(one: Setting, unit: UnitText) -> Found | None:
    known = table("units").get(one.section, {})
    if one.name in known or one.name.startswith("X-") or re.search(r"[^A-Za-z0-9]", one.name):
        return None
    if one.section == "Quadlet" and one.name not in known:
        program = "podman"
    else:
        program = "podman" if one.section.lower() in QUADLET_TYPES and unit.is_quadlet else "systemd"
    near = did_you_mean(one.name, known).strip(" ()")
    elsewhere = sorted(section for section in unit.sections if one.name in table("units").get(section, {}))
    if elsewhere:
        message = f"{program} ignores {one.name}= in [{one.section}]"
        return ("unit-setting", message, f"write it below a line [{elsewhere[0]}]")
    message = f"{program} does not know {one.name}= in [{one.section}] and ignores it"
    if program == "podman":
        message = f"podman refuses this quadlet: it does not know {one.name}= in [{one.section}]"
    return ("unit-setting", message, near or f"see {_manual(one.section, program)}")


def _manual(section: str, program: str) -> str:
    if program == "podman":
        return "podman-systemd.unit(5)"
    return {"Unit": "systemd.unit(5)", "Install": "systemd.unit(5)"}.get(section, f"systemd.{section.lower()}(5)")


def _value(one: Setting, unit: UnitText) -> Found | None:
    kind = table("units")[one.section].get(one.name, "")
    if unit.is_quadlet and one.section not in _SYSTEMD_SECTIONS:
        if kind != "BOOLEAN" or is_boolean(one.value):
            return None
        return ("unit-value", "podman takes this value as no", "write true or false")
    if one.section == "Mount" and one.name == "Type":
        return None
    message, hint = wrong_value(one.name, kind, one.value)
    if not message:
        return wrong_command(one.value) if kind == _COMMAND else None
    if one.name == "OnCalendar":
        return ("calendar", message, hint)
    return ("unit-value", message, hint)
