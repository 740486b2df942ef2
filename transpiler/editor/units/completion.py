"""Completion inside the texts of units, drop-ins, quadlets, and files with settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from provision.config.problems import Position
from transpiler.editor.cursor import Cursor, outline_of
from transpiler.editor.document import OpenDocument
from transpiler.editor.units.machine_files import text_kind
from transpiler.editor.units.settings import values_of

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


def text_offers(document: OpenDocument, cursor: Cursor, at: Position) -> Iterator[Offer]:
    """The sections, settings or values that fit at a cursor in the text of a unit or file; none in other texts."""
    kind = text_kind(document, cursor.path)
    if kind is None:
        return
    headings = [Offer(f"[{one}]", f"[{one}]") for one in kind.sections if one]
    section = section_above(document, at) if headings else ""
    setting, equals, _ = cursor.word.partition(kind.equals)
    if cursor.word.startswith("["):
        yield from headings
    elif equals:
        values = _values(document, section, setting.strip()) if kind.is_unit else ()
        yield from (Offer(one, f"{setting}={one}") for one in values)
    elif section or not headings:
        for one, words in kind.sections.get(section, {}).items():
            yield Offer(one, f"{one}{kind.equals}", words)
    else:
        yield from headings


def _values(document: OpenDocument, section: str, setting: str) -> tuple[str, ...]:
    return values_of(section, setting) or tuple(_units(document) if setting in _UNITS_NAMED else ())


def section_above(document: OpenDocument, at: Position) -> str:
    """The section to which a line of a text belongs; empty before the first section."""
    for number in range(at.line - 1, 0, -1):
        line = document.line(number)
        match = re.fullmatch(r"\s*\[([\w-]+)\]\s*", line)
        if match:
            return match[1]
        if re.match(r"\s*(?:- )?(?:contents|inline)\s*:", line):
            break
    return ""


def _units(document: OpenDocument) -> Iterator[str]:
    """The names of the units in the config, and of usual targets."""
    values = outline_of(document.lines).values
    yield from (value for path, value in values.items() if path[:2] == ("systemd", "units") and path[3:] == ("name",))
    yield from ("network-online.target", "network.target", "local-fs.target", "multi-user.target")
