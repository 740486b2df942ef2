"""Lints about the settings of units and quadlets: their names, sections and values, and the units they name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.problems import Problem
from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.ini import Setting, settings
from transpiler.lint.content.tables import listed, table
from transpiler.lint.source import LintInput, node_at, place_of_line, remark
from transpiler.lint.units.unit_text import UnitText, has_no_exec_start, unit_texts
from transpiler.lint.units.values import is_boolean, wrong_value

_NAMES_OF_UNITS = re.compile(r"UNIT( \[\.\.\.\])?|SOCKETS|SERVICE|SLICE")

_NAMING = {"WantedBy", "RequiredBy", "UpheldBy", "Also"}

_QUADLET_SUFFIXES = {"container", "volume", "network", "kube", "image", "build", "pod", "artifact"}

_SYSTEMD_SECTIONS = {"Unit", "Install", "Service"}


def unit_settings(source: LintInput) -> Iterator[Problem]:
    """Warnings about settings that systemd or podman do not know, values they refuse, and misspelled names of units."""
    own = _own_units(source)
    for unit in unit_texts(source):
        for one in settings(unit.text):
            if one.name and one.has_equals and one.section in unit.sections and not _has_remark(one, unit, source):
                found = _unknown_name(one, unit) or _value(one, unit) or _named_units(one, unit, own)
                if found is not None:
                    node = node_at(source.root, unit.path)
                    yield found._replace(at=place_of_line(node, source, one.line))


def _has_remark(one: Setting, unit: UnitText, source: LintInput) -> bool:
    """Whether a setting is the cause of another remark: on a service without ExecStart=, or without [Install]."""
    if one.name in table("units")["Install"] and one.section != "Install" and unit.path[1] == "units":
        enabled = source.record.systemd.units[unit.path[2]].enabled
        return bool(enabled) and "[Install]" not in unit.text
    is_start = one.section == "Service" and bool(did_you_mean(one.name, ["ExecStart"]))
    return is_start and has_no_exec_start(unit)


def _own_units(source: LintInput) -> set[str]:
    """The names of all units that the config brings, those of quadlets and mount units of sugar among them."""
    names = {unit.name for unit in source.record.systemd.units}
    for quadlet in getattr(source.record.systemd, "quadlets", ()):
        stem, _, suffix = quadlet.name.rpartition(".")
        names.add(f"{stem}.service" if suffix in {"container", "kube"} else f"{stem}-{suffix}.service")
        names.add(quadlet.name)
    return names


def _unknown_name(one: Setting, unit: UnitText) -> Problem | None:
    known = table("units").get(one.section, {})
    if one.name in known or one.name.startswith("X-") or re.search(r"[^A-Za-z0-9]", one.name):
        return None
    if one.section == "Quadlet" and one.name not in known:
        program = "podman"
    else:
        program = "podman" if one.section.lower() in _QUADLET_SUFFIXES and _is_quadlet(unit) else "systemd"
    near = did_you_mean(one.name, known).strip(" ()")
    elsewhere = sorted(section for section in unit.sections if one.name in table("units").get(section, {}))
    if elsewhere:
        message = f"{program} ignores {one.name}= in [{one.section}]"
        return remark(unit.path, "unit-setting", message, f"write it below a line [{elsewhere[0]}]")
    message = f"{program} does not know {one.name}= in [{one.section}] and ignores it"
    if program == "podman":
        message = f"podman refuses this quadlet: it does not know {one.name}= in [{one.section}]"
    return remark(unit.path, "unit-setting", message, near or f"see {_manual(one.section, program)}")


def _manual(section: str, program: str) -> str:
    if program == "podman":
        return "podman-systemd.unit(5)"
    return {"Unit": "systemd.unit(5)", "Install": "systemd.unit(5)"}.get(section, f"systemd.{section.lower()}(5)")


def _is_quadlet(unit: UnitText) -> bool:
    return unit.path[1] == "quadlets"


def _value(one: Setting, unit: UnitText) -> Problem | None:
    kind = table("units")[one.section].get(one.name, "")
    if _is_quadlet(unit) and one.section not in _SYSTEMD_SECTIONS:
        if kind != "BOOLEAN" or is_boolean(one.value):
            return None
        return remark(unit.path, "unit-value", "podman takes this value as no", "write true or false")
    if one.section == "Mount" and one.name == "Type":
        return None
    message, hint = wrong_value(one.name, kind, one.value)
    if not message:
        return None
    if one.name == "OnCalendar":
        return remark(unit.path, "calendar", message, hint)
    return remark(unit.path, "unit-value", message, hint)


def _named_units(one: Setting, unit: UnitText, own: set[str]) -> Problem | None:
    """A name that no unit of the config or of systemd has, and that is almost the name of one."""
    kind = table("units")[one.section].get(one.name, "")
    if not (_NAMES_OF_UNITS.fullmatch(kind) or one.name in _NAMING):
        return None
    for word in one.value.split():
        suffix = word.rpartition(".")[2]
        if "%" in word or "$" in word or "{" in word or word in own or word in listed("unit-names"):
            continue
        if f"{word.partition('@')[0]}@.{suffix}" in own | listed("unit-names"):
            continue
        if suffix not in _SUFFIXES and not (_is_quadlet(unit) and suffix in _QUADLET_SUFFIXES):
            near = did_you_mean(f"{word}.service", own).strip(" ()")
            hint = near or f"write {word}.service, or {word}.target"
            message = f"systemd refuses this name: {word} has no type of unit at its end"
            return remark(unit.path, "unit-reference", message, hint)
        near = _misspelled(word, own - {unit.name})
        if near:
            message = f"no unit of this config has the name {word}"
            return remark(unit.path, "unit-reference", message, f"did you mean {near}?")
    return None


_SUFFIXES = {"service", "socket", "target", "device", "mount", "automount", "swap", "path", "timer", "slice", "scope"}


def _misspelled(word: str, own: set[str]) -> str:
    """The unit that a name probably means: equal but for one letter, or two letters that changed places."""
    stem, _, suffix = word.rpartition(".")
    for known in sorted(own | listed("unit-names")):
        other, _, its_suffix = known.rpartition(".")
        if suffix == its_suffix and min(len(stem), len(other)) > _SHORT and _is_typo(stem, other):
            return known
    return ""


_SHORT = 4
"""Names of this length or less are not compared: many of them differ in one letter."""


def _is_typo(word: str, known: str) -> bool:
    """Whether a word becomes another by one letter more, less or changed, or two neighbours swapped; not by digits."""
    start = next((n for n, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    rest, other = word[start:], known[start:]
    changed = rest[:1] + other[:1]
    if any(not letter.isalpha() for letter in changed):
        return False
    return (
        rest[1:] == other[1:]
        or rest[1:] == other
        or rest == other[1:]
        or (rest[:2] == other[:2][::-1] and rest[2:] == other[2:])
    )
