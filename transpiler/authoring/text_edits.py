"""Edits of spans of a text. Everything outside the spans stays as it is, comments and line breaks too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from provision.config.problems import Position

_LINE_BREAK = re.compile("(\r\n|[\r\n\x85\u2028\u2029])")
"""Source: YAML 1.1, section 4.1.4."""

_BOM = "\ufeff"


class Edit(NamedTuple):
    """Replace the characters from column `start` to column `end` of a line by `text`.

    Lines and columns count from 1, columns in characters. The character at `end` is not replaced.
    """

    line: int
    start: int
    end: int
    text: str

    @classmethod
    def insert(cls, at: Position, text: str) -> Edit:
        """The edit that inserts `text` before the character at a place."""
        return cls(at.line, at.column, at.column, text)


def apply_edits(raw: bytes, edits: Iterable[Edit]) -> bytes:
    """The text after the edits. Of two edits that overlap, the second is left out, as are edits outside of the text.

    A text that is not UTF-8 is returned as it is.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return raw
    bom = _BOM if text.startswith(_BOM) else ""
    pieces = _LINE_BREAK.split(text.removeprefix(_BOM))
    last: dict[int, int] = {}
    for edit in sorted(set(edits), reverse=True):
        index = 2 * (edit.line - 1)
        if not 0 <= index < len(pieces) or not 0 < edit.start <= edit.end <= len(pieces[index]) + 1:
            continue
        if edit.end > last.get(edit.line, len(pieces[index]) + 1):
            continue
        last[edit.line] = edit.start
        line = pieces[index]
        pieces[index] = line[: edit.start - 1] + edit.text + line[edit.end - 1 :]
    return (bom + "".join(pieces)).encode()
