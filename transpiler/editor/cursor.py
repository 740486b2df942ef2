"""Where a cursor is in a text that is being typed, so that it may not be YAML: found by lines and their indentation.

Known forms are block style, and flow style (`{a: 1, b: [x]}`) that begins and ends on one line.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from provision.config.problems import Path, Position

_KEY = re.compile(r"""(?:"([^"]*)"|'([^']*)'|([^\s#\[\]{},:"'&*!|>%@`-][^\s:,\[\]{}]*))[ \t]*:(?=[ \t]|$)""")
_BLOCK = re.compile(r"(?:[&!]\S*[ \t]+)*[|>][-+0-9]*[ \t]*(?:#.*)?$")


class Cursor(NamedTuple):
    """The place of a cursor.

    `kind` is `key` where a key of the mapping at `path` can be, `value` where the value at `path` is, and `text` inside
    a block (`|`) at `path`. `word` is what stands between the column `start` and the cursor. `indent` is the number of
    blanks before the keys of the mapping. `flow` says that it is in flow style.
    """

    path: Path
    kind: Literal["key", "value", "text"]
    word: str
    start: int
    indent: int
    flow: bool = False


class Outline(NamedTuple):
    """The keys of a text by the path of their mapping, its scalars by their paths, and the lines of its blocks.

    `blocks` maps the path of a block to the numbers of its first and its last line.
    """

    keys: dict[Path, set[str]]
    values: dict[Path, str]
    blocks: dict[Path, tuple[int, int]]


class _Level(NamedTuple):
    """A key or a dash in whose block the next lines may be: its column (from 0), and the key or the index."""

    column: int
    part: str | int


class _Reader:
    """Reads lines from the top and keeps the open levels."""

    def __init__(self) -> None:
        self.levels: list[_Level] = []
        self.outline = Outline({}, {}, {})
        self.block: tuple[Path, int] | None = None  # the path of the open block, and the column above it

    @property
    def path(self) -> Path:
        """The path of the innermost open level."""
        return tuple(level.part for level in self.levels)

    def read(self, number: int, line: str) -> None:
        """Read one line."""
        column = len(line) - len(line.lstrip(" "))
        if self.block is not None and (not line.strip() or column > self.block[1]):
            path = self.block[0]
            self.outline.blocks[path] = (self.outline.blocks[path][0], number)
            return
        self.block = None
        rest = line[column:]
        if not rest.strip() or rest.startswith(("#", "---", "%")):
            return
        while rest.startswith("- ") or rest == "-":
            self.dash(column)
            inner = rest[1:].lstrip(" ")
            column += len(rest) - len(inner)
            rest = inner
        match = _KEY.match(rest)
        if match is None:
            self.value(number, rest, column)
            return
        self.key(column, match[1] or match[2] or match[3] or "")
        self.value(number, rest[match.end() :].strip(), column)

    def dash(self, column: int) -> None:
        """Begin an element of a list."""
        while self.levels and self.levels[-1].column > column:
            self.levels.pop()
        if self.levels and self.levels[-1].column == column and isinstance(self.levels[-1].part, int):
            self.levels[-1] = _Level(column, self.levels[-1].part + 1)
        else:
            self.levels.append(_Level(column, 0))

    def key(self, column: int, name: str) -> None:
        """Begin the value of a key."""
        self.close(column)
        self.outline.keys.setdefault(self.path, set()).add(name)
        self.levels.append(_Level(column, name))

    def close(self, column: int) -> None:
        """Close the levels that end where a key of this column begins."""
        while self.levels and self.levels[-1].column >= column:
            self.levels.pop()

    def value(self, number: int, text: str, column: int) -> None:
        """Note a value on the line of its key or dash."""
        if _BLOCK.match(text):
            self.block = (self.path, self.levels[-1].column if self.levels else column)
            self.outline.blocks[self.path] = (number + 1, number)
        elif text and not text.startswith(("{", "[", "#")):
            self.outline.values[self.path] = re.sub(r"[ \t]+#.*", "", text).strip("\"'")


def outline_of(lines: list[str]) -> Outline:
    """The keys and values of all lines."""
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        reader.read(number, line)
    return reader.outline


def cursor_at(lines: list[str], at: Position) -> Cursor:
    """The place of the cursor, by the lines above it and the part of its line before it."""
    reader = _Reader()
    for number, line in enumerate(lines[: at.line - 1], 1):
        reader.read(number, line)
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    before = line[: at.column - 1].ljust(at.column - 1)
    column = len(before) - len(before.lstrip(" "))
    if reader.block is not None and column > reader.block[1]:
        return Cursor(reader.block[0], "text", before.strip(), column + 1, column)
    rest = before[column:]
    while rest.startswith("- "):
        reader.dash(column)
        inner = rest[1:].lstrip(" ")
        column += len(rest) - len(inner)
        rest = inner
    match = _KEY.match(rest)
    if match is None:
        if rest[:1] in {"{", "["}:
            return _in_flow(reader.path, rest, column)
        reader.close(column)
        return Cursor(reader.path, "key", rest, column + 1, column)
    reader.key(column, match[1] or match[2] or match[3] or "")
    value = rest[match.end() :].lstrip(" ")
    start = len(before) - len(value)
    if value[:1] in {"{", "["}:
        return _in_flow(reader.path, value, start)
    return Cursor(reader.path, "value", value, start + 1, column)


_PIECE = re.compile(
    r"""\s+|[{}\[\],]|:(?=\s|$)|"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|[^\s{}\[\],:]+(?::[^\s{}\[\],]+)*|:"""
)


def _in_flow(path: Path, text: str, column: int) -> Cursor:
    """The place after `text`, which begins with a bracket at a column (from 0)."""
    stack: list[tuple[str, Path]] = []
    here, word, start = path, "", column + len(text)
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece in {"{", "["}:
            stack.append((piece, here))
            here = (*here, 0) if piece == "[" else here
            word = ""
        elif piece in {"}", "]"}:
            here = stack.pop()[1] if stack else here
            word = ""
        elif piece == "," and stack:
            bracket, above = stack[-1]
            last = here[len(above)] if len(here) > len(above) else 0
            here = (*above, last + 1 if isinstance(last, int) else 0) if bracket == "[" else above
            word = ""
        elif piece == ":" and stack and stack[-1][0] == "{":
            here, word = (*stack[-1][1], word.strip("\"'")), ""
        elif piece.strip():
            word, start = piece, column + match.start()
    if not word or text[-1:].isspace():
        word, start = "", column + len(text)
    in_mapping = bool(stack) and stack[-1][0] == "{" and here == stack[-1][1]
    return Cursor(here, "key" if in_mapping else "value", word, start + 1, column, flow=True)


def keys_beside(lines: list[str], at: Position, cursor: Cursor) -> set[str]:
    """The keys that the mapping at the cursor has already. Of a mapping in flow style, those of its line."""
    if cursor.flow:
        line = lines[at.line - 1]
        opened = max(line.rfind("{", 0, at.column - 1), 0)
        return set(re.findall(r"([\w-]+):", line[opened:].partition("}")[0]))
    here = [line if number != at.line else _without_word(line, cursor) for number, line in enumerate(lines, 1)]
    return outline_of(here).keys.get(cursor.path, set())


def _without_word(line: str, cursor: Cursor) -> str:
    """The line without the key that is being typed; a dash before it stays."""
    return line[: cursor.start - 1] + "?" if "-" in line[: cursor.start - 1] else ""
