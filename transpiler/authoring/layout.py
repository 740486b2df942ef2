"""White space of a YAML text in one form: two blanks for each level, one after `-` and `:`, one empty line at most.

The text is not printed from its tree: only white space outside of values changes, so comments, quotes and the order of
keys stay. Places come from the tokens of libyaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from transpiler.reading.yaml_parser import scan_tokens

STEP = 2
"""The blanks of one level."""


class LayoutUnknown(Exception):
    """A text has a form that is left as it is. The message says which."""


class _Level(NamedTuple):
    """An open list or mapping in block style: its column before and after. A mapping in whose value are dashes of the
    same column has `dashes`."""

    is_list: bool
    old: int
    new: int
    dashes: bool = False

    @property
    def inner(self) -> int:
        """The new column of what is inside."""
        return self.new + STEP * (2 if self.dashes else 1)

    @property
    def columns(self) -> Iterator[tuple[int, int]]:
        """The columns of keys or dashes, before and after."""
        yield self.old, self.new
        if self.dashes:
            yield self.old, self.new + STEP


class _Inside(NamedTuple):
    """How a line inside a value is moved: by `shift` blanks, but to column `least` or more; a `block` exactly."""

    shift: int
    least: int = 0
    block: bool = False


def laid_out(text: str) -> str:
    """The text in the one form. Raises LayoutUnknown, or yaml.YAMLError if the text is not YAML."""
    lines = text.split("\n")
    walk = _Walk(lines)
    walk.read(text)
    cut = walk.last_is_block and len(lines) - 1 in walk.inside and not text.endswith("\n")
    return _joined(list(_new_lines(lines, walk)), end="" if cut else "\n")


class _Walk:
    """One walk over the tokens of a text. Lines count from 0.

    `indents` has the new column of each line that begins with a key, a dash or a value; `inside` the lines that begin
    inside a value; `open` those whose last blanks belong to a value. `gaps` are parts of lines with their new text.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.levels: list[_Level] = []
        self.indents: dict[int, int] = {}
        self.inside: dict[int, _Inside] = {}
        self.open: set[int] = set()
        self.gaps: dict[int, list[tuple[int, int, str]]] = {}
        self.levels_at: dict[int, list[_Level]] = {}
        self.flow: list[int] = []
        self.last_is_block = False
        self.behind: tuple[int, int] | None = None  # the place after a dash or colon
        self.scalar_end: tuple[int, int] = (0, 0)

    def read(self, text: str) -> None:
        """Read all tokens. Raises LayoutUnknown, or yaml.YAMLError."""
        for token in scan_tokens(text):
            name = type(token).__name__.removesuffix("Token")
            if name in {"BlockMappingStart", "BlockSequenceStart"}:
                self.levels.append(_Level(name == "BlockSequenceStart", token.start_mark.column, self.inner))
            elif name == "BlockEnd":
                self.levels.pop()
            elif name not in {"StreamStart", "StreamEnd"}:
                self.token(name, token.start_mark, token.end_mark)

    @property
    def inner(self) -> int:
        """The new column of what is inside the innermost level."""
        return self.levels[-1].inner if self.levels else 0

    def token(self, name: str, start: Any, end: Any) -> None:
        """Note what one token says about its line. Raises LayoutUnknown."""
        if name == "DocumentStart" and any(not self.lines[number].startswith("%") for number in self.indents):
            raise LayoutUnknown("it has several documents")
        column = self.column(name, start)
        if start.line not in self.inside:
            self.indents.setdefault(start.line, column)
        self.gap(name, start, end)
        if name in {"FlowSequenceStart", "FlowMappingStart"}:
            self.flow.append(start.line)
        elif name in {"FlowSequenceEnd", "FlowMappingEnd"} and self.flow:
            self.end_flow(self.flow.pop(), end.line)
        elif name == "Scalar":
            self.scalar(start, end)
        self.levels_at[end.line] = list(self.levels)
        self.last_is_block = name == "Scalar" and self.letter(start) in {"|", ">"}

    def column(self, name: str, start: Any) -> int:
        """The new column of a token that begins a line. Raises LayoutUnknown."""
        if self.flow or not self.levels:
            return self.inner
        level = self.levels[-1]
        if name == "Key":
            if self.letter(start) == "?" and self.lines[start.line][start.column + 1 : start.column + 2] in {"", " "}:
                raise LayoutUnknown("it has a key that begins with `?`")
            self.levels[-1] = level._replace(dashes=False)
            return level.new
        if name == "BlockEntry":
            self.levels[-1] = level = level._replace(dashes=not level.is_list)
            return level.new if level.is_list else level.new + STEP
        return self.inner

    def letter(self, mark: Any) -> str:
        """The character at a place."""
        line: str = self.lines[mark.line]
        return line[mark.column : mark.column + 1]

    def gap(self, name: str, start: Any, end: Any) -> None:
        """Note the white space between a dash or colon and this token, and between a key and its colon."""
        if name == "Key" and self.flow:
            return
        behind = self.behind
        if behind is not None and behind[0] == start.line:
            self.gaps.setdefault(start.line, []).append((behind[1], start.column, " "))
        self.behind = None
        if not self.flow and name in {"BlockEntry", "Value"}:
            self.behind = (end.line, end.column)
        if not self.flow and name == "Value" and self.scalar_end[0] == start.line:
            self.gaps.setdefault(start.line, []).append((self.scalar_end[1], start.column, ""))
        self.scalar_end = (end.line, end.column)

    def end_flow(self, first: int, last: int) -> None:
        """Move the lines of a list or mapping in flow style as far as the line on which it begins."""
        if self.flow or first == last:
            return
        shift = self.indents.get(first, 0) - _indentation(self.lines[first])
        for number in range(first + 1, last + 1):
            closes = self.lines[number].lstrip(" \t")[:1] in {"]", "}"}
            self.inside[number] = _Inside(shift, self.inner - (STEP if closes and self.levels else 0))
            self.indents.pop(number, None)

    def scalar(self, start: Any, end: Any) -> None:
        """Note the lines of a value of several lines."""
        if start.line == end.line:
            return
        if self.letter(start) in {"|", ">"} and not self.flow:
            self.block(start, end)
            return
        self.open.update(range(start.line, end.line))
        if not self.flow:
            for number in range(start.line + 1, end.line + 1):
                self.inside[number] = _Inside(self.inner - _indentation(self.lines[number]))

    def block(self, start: Any, end: Any) -> None:
        """Note the lines of a block; empty lines at its end only if its header has a `+`. Raises LayoutUnknown."""
        header = re.match(r"[|>]([-+]?)([1-9]?)([-+]?)", self.lines[start.line][start.column :])
        last = end.line - 1 if end.column == 0 else end.line
        numbers = range(start.line + 1, last + 1)
        first = next((number for number in numbers if self.lines[number].strip(" ")), None)
        if header is None or not self.levels:
            raise LayoutUnknown("it is not a mapping")
        keeps = "+" in {header[1], header[3]}
        if first is None:
            self.inside.update((number, _Inside(0, block=True)) for number in numbers if keeps)
            return
        level = self.levels[-1]
        old, new = _indentation(self.lines[first]), self.inner
        if header[2]:
            old, new = level.old + int(header[2]), self.inner - STEP + int(header[2])
        content = [n for n in numbers if self.lines[n].strip(" ") or len(self.lines[n]) > old]
        for number in numbers if keeps else range(start.line + 1, content[-1] + 1):
            self.inside[number] = _Inside(new - old, old, block=True)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _new_lines(lines: list[str], walk: _Walk) -> Iterator[tuple[str, bool]]:
    """Each line in its new form, and whether it is an empty line outside of values."""
    following = _following(len(lines), walk)
    before: list[_Level] = []
    for number, line in enumerate(lines):
        rest = line.lstrip(" \t")
        if number in walk.inside:
            yield _moved(line, walk.inside[number], keep=number in walk.open), False
        elif number in walk.indents:
            for start, end, text in sorted(walk.gaps.get(number, ()), reverse=True):
                line = line[:start] + text + line[end:]  # noqa: PLW2901 - the edits are from right to left
            moved = " " * walk.indents[number] + line.lstrip(" \t")
            yield moved if number in walk.open else moved.rstrip(" \t"), False
        elif rest.startswith("#"):
            column = _comment_column(_indentation(line), lines, following[number], before, walk)
            yield " " * column + rest.rstrip(" \t"), False
        else:
            yield rest.rstrip(" \t"), not rest.strip(" \t")
        before = walk.levels_at.get(number, before)


def _following(count: int, walk: _Walk) -> list[int | None]:
    """For each line, the next line that begins with a key, a dash or a value."""
    found: list[int | None] = []
    following: int | None = None
    for number in reversed(range(count)):
        found.append(following)
        following = number if number in walk.indents else following
    return found[::-1]


def _comment_column(column: int, lines: list[str], following: int | None, before: list[_Level], walk: _Walk) -> int:
    """The new column of a comment: that of the next line, or of an open level above it that has the same column."""
    if following is not None and _indentation(lines[following]) == column:
        return walk.indents[following]
    known = [pair for level in before for pair in level.columns]
    same = [new for old, new in known if old == column]
    if same:
        return same[-1]
    if following is not None:
        return walk.indents[following]
    return max((new for old, new in known if old <= column), default=0)


def _moved(line: str, how: _Inside, *, keep: bool) -> str:
    if how.block:
        if not line.strip(" ") and len(line) <= how.least:
            return ""
        return " " * how.shift + line if how.shift > 0 else line[-how.shift :]
    rest = line.lstrip(" \t")
    if not keep:
        rest = rest.rstrip(" \t")
    return " " * max(_indentation(line) + how.shift, how.least) + rest if rest.strip(" \t") else ""


def _joined(lines: list[tuple[str, bool]], *, end: str) -> str:
    """The lines as a text without empty lines at both ends, and with one at most between two others."""
    kept: list[str] = []
    waiting = False
    for line, empty in lines:
        if empty:
            waiting = True
            continue
        if waiting and kept:
            kept.append("")
        kept.append(line)
        waiting = False
    return "\n".join(kept) + end if kept else ""
