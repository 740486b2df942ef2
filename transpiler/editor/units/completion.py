"""Completion inside the texts of units, drop-ins and quadlets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from provision.config.problems import Path, Position
from transpiler.editor.cursor import Cursor, outline_of
from transpiler.editor.document import OpenDocument
from transpiler.editor.units.settings import sections, values_of
from transpiler.lint.units.unit_text import sections_of

_UNITS_NAMED = {
    "After",
    "Before",
    "Requires",
    "Wants",
    "BindsTo",
    "PartOf",
    "Requisite",
    "Conflicts",
    "Unit",
    "OnFailure",
}
"""Settings whose values are names of units."""


class Offer(NamedTuple):
    """A completion: what is shown, what is written in the place of the word, and the kind of value it takes."""

    label: str
    text: str
    detail: str = ""


def unit_offers(document: OpenDocument, cursor: Cursor, at: Position) -> Iterator[Offer]:
    """The sections, settings or values that fit at a cursor in the text of a unit; none in other texts."""
    name = unit_name(document, cursor.path)
    if not name:
        return
    known = known_sections(name, quadlet=cursor.path[1] == "quadlets")
    if cursor.word.startswith("["):
        yield from (Offer(f"[{one}]", f"[{one}]") for one in known)
        return
    section = section_above(document, at)
    setting, equals, _ = cursor.word.partition("=")
    if equals:
        values = values_of(section, setting.strip()) or tuple(_units(document) if setting in _UNITS_NAMED else ())
        yield from (Offer(one, f"{setting}={one}") for one in values)
    elif section:
        for one, kind in sections().get(section, {}).items():
            yield Offer(one, f"{one}=", kind.lower())
    else:
        yield from (Offer(f"[{one}]", f"[{one}]") for one in known)


def unit_name(document: OpenDocument, path: Path) -> str:
    """The name of the unit whose text is at a path; empty if the text there is not that of a unit."""
    if path[:1] != ("systemd",) or path[-1:] != ("contents",) or len(path) not in {4, 6}:
        return ""
    return outline_of(document.lines).values.get(
        (*path[:3], "name"), "x.service" if path[1] == "units" else "x.container"
    )


def known_sections(name: str, *, quadlet: bool) -> list[str]:
    """The sections of a unit or quadlet with this name, its own one first."""
    suffix = name.rpartition(".")[2]
    if quadlet:
        return [suffix.capitalize(), "Unit", "Service", "Install", "Quadlet"]
    return sorted(sections_of(name), key=lambda one: ({"Unit": 0, "Install": 2}.get(one, 1), one))


def section_above(document: OpenDocument, at: Position) -> str:
    """The section to which a line of a unit belongs; empty before the first section."""
    for number in range(at.line - 1, 0, -1):
        line = document.line(number)
        match = re.fullmatch(r"\s*\[([\w-]+)\]\s*", line)
        if match:
            return match[1]
        if re.match(r"\s*(?:- )?contents\s*:", line):
            break
    return ""


def _units(document: OpenDocument) -> Iterator[str]:
    """The names of the units in the config, and of usual targets."""
    values = outline_of(document.lines).values
    yield from (value for path, value in values.items() if path[:2] == ("systemd", "units") and path[3:] == ("name",))
    yield from ("network-online.target", "network.target", "local-fs.target", "multi-user.target")
