"""What an editor shows about the key, or the setting of a unit, under the cursor."""

from __future__ import annotations

import re
from typing import NamedTuple

from provision.config.problems import Path, Position
from transpiler.editor.cursor import cursor_at
from transpiler.editor.document import OpenDocument, TextRange
from transpiler.editor.fields import description, field_at
from transpiler.editor.units.completion import section_above
from transpiler.editor.units.machine_files import text_kind
from transpiler.editor.units.settings import values_of

_KEY_OF_LINE = re.compile(r"(?:^|[\s{,-])([\w-]+|\"[\w-]+\")(?=[ \t]*:(?:[ \t]|$))")


class Hover(NamedTuple):
    """A text in Markdown and the word it is about."""

    text: str
    span: TextRange


def hover(document: OpenDocument, at: Position) -> Hover | None:
    """The description of the key under the cursor; None if there is no known key."""
    line = document.line(at.line)
    cursor = cursor_at(document.lines, at)
    if cursor.kind == "text":
        return _setting(document, cursor.path, at)
    for match in _KEY_OF_LINE.finditer(line):
        if match.start(1) <= at.column - 1 <= match.end(1):
            place = cursor_at(document.lines, Position(at.line, match.start(1) + 1))
            path = (*place.path, match[1].strip('"'))
            field = field_at(document.variant, path)
            if field is not None:
                span = TextRange(Position(at.line, match.start(1) + 1), Position(at.line, match.end(1) + 1))
                return Hover(description(field, document.variant, path), span)
    return None


def _setting(document: OpenDocument, path: Path, at: Position) -> Hover | None:
    """The kind of value of a setting of a unit or file, and its usual values."""
    kind = text_kind(document, path)
    match = re.match(rf"\s*([\w-]+)\s*{kind.equals}", document.line(at.line)) if kind else None
    if kind is None or match is None or not match.start(1) <= at.column - 1 <= match.end(1):
        return None
    section = "" if "" in kind.sections else section_above(document, at)
    words = kind.sections.get(section, {}).get(match[1])
    if words is None:
        return None
    values = values_of(section, match[1]) if kind.is_unit else ()
    where = f" in `[{section}]`" if section else ""
    parts = [f"**{match[1]}{kind.equals.strip()}**{where}" + (f": {words}" if words else "")]
    parts += [f"Such as {', '.join(f'`{one}`' for one in values)}."] if values else []
    span = TextRange(Position(at.line, match.start(1) + 1), Position(at.line, match.end(1) + 1))
    return Hover("\n\n".join(parts), span)
