"""The text of systemd units, read as strictly as Ignition reads it (go-systemd's lexer).

go-systemd reads 4,096 bytes at a time. Whether it refuses a long line depends on how much of the line lies in that
window, so this module has the same window. What lies in the window and holds no long line is skipped at once: nothing
in it is refused for its length, and the window stays as it is. A text without long lines is read as one window.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

_WINDOW = 4096
_LINE_MAX = 2048
_SPACES = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What Go's `unicode.IsSpace` takes for space."""


class BadUnit(ValueError):
    """A unit that cannot be parsed. The message never holds any of its text; `line` is the bad one, from 0."""

    line = 0


def sections_with_options(text: str) -> set[str]:
    """The sections of a unit that hold at least one option. Raises BadUnit in Ignition's words."""
    reader = _Reader(text.encode(errors="replace"))
    try:
        return set(_options(reader))
    except BadUnit as error:
        error.line = reader.text.count(b"\n", 0, reader.start)
        raise


class _Reader:
    """Go's `bufio.Reader` over a text: where it is, and how far it has read ahead. `start` is where an item began."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.start = 0
        self.here = 0
        self._long_lines = re.finditer(rb"(?<![^\n\r])[^\n\r]{%d,}" % _LINE_MAX, text)
        self._long = self._next_long_line()
        self.has_long_line = self._long[0] < len(text)
        self.ahead = 0 if self.has_long_line else len(text)

    def step(self) -> None:
        """What the lexer does before each of its steps: refuse a line of 2,048 bytes, if it is in the window."""
        if not self.has_long_line or self.ahead - self.here < _LINE_MAX:
            return
        end = self.here + _LINE_MAX
        if self.text.find(b"\n", self.here, end) < 0 and self.text.find(b"\r", self.here, end) < 0:
            raise BadUnit("line too long (max 2048 bytes)")

    def skip(self, pattern: re.Pattern[bytes]) -> bool:
        """Skip what matches here, up to the end of the window or the next long line. Returns whether anything did."""
        while self._long[1] <= self.here < len(self.text):
            self._long = self._next_long_line()
        match = pattern.match(self.text, self.here, max(self.here, min(self.ahead, self._long[0])))
        if match is None or match.end() == self.here:
            return False
        self.here = match.end()
        return True

    def _next_long_line(self) -> tuple[int, int]:
        """Where the next long line begins and ends; both are the end of the text if there is none."""
        match = next(self._long_lines, None)
        return match.span() if match else (len(self.text), len(self.text))

    def character(self) -> str:
        """The next character, empty at the end."""
        size = _size(self.text[self.here]) if self.here < len(self.text) else 1
        if self.ahead < self.here + size:
            self._fill()
        start, self.here = self.here, min(self.here + size, len(self.text))
        return self.text[start : self.here].decode()

    def back(self, character: str) -> None:
        """Step back before the last character."""
        self.here -= len(character.encode())

    def until(self, mark: bytes) -> bytes:
        """Everything up to and including a mark, or to the end."""
        start = self.here
        while (found := self.text.find(mark, self.here, self.ahead)) < 0:
            if self.ahead - self.here >= _WINDOW:
                self.here = self.ahead
            elif self.ahead == len(self.text):
                self.here = self.ahead
                return self.text[start:]
            else:
                self._fill()
        self.here = found + 1
        return self.text[start : self.here]

    def line(self) -> str:
        """The rest of the line, without its end."""
        return self.until(b"\n").removesuffix(b"\r").removesuffix(b"\n").decode()

    def _fill(self) -> None:
        self.ahead = min(len(self.text), self.here + _WINDOW)


def _size(first: int) -> int:
    """How many bytes a character has, by its first byte."""
    return 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4


def _options(reader: _Reader) -> Iterator[str]:
    """The section of each option."""
    patterns = _patterns()
    section = _next_section(reader)
    while section is not None:
        while reader.skip(patterns.others):
            pass
        if reader.skip(patterns.options):
            yield section
            continue
        reader.start = reader.here
        reader.step()
        character = reader.character()
        if character == "":
            return
        if character in _SPACES:
            continue
        if character == "[":
            section = _section_name(reader)
        elif character in "#;":
            _skip_comment(reader)
        else:
            reader.back(character)
            _skip_option(reader)
            yield section


class _Patterns(NamedTuple):
    """What can be skipped as a whole where lines are short; rare forms are read character by character."""

    before_section: re.Pattern[bytes]
    options: re.Pattern[bytes]
    others: re.Pattern[bytes]
    continued: re.Pattern[bytes]


@cache
def _patterns() -> _Patterns:
    space = rb"[ \t\n\v\f\r]"
    name = rb"(?:[^ \t\n\v\f\r\[#;=\xc2\xe1\xe2\xe3][^=\r\n]*)?"  # a Unicode space may begin with these bytes
    comment = rb"[#;][^\n]*(?<!\\)(?<!\\ )\n"
    empty_section = rb"\[[^\]]*\][ \t]*\n(?=\[)"
    many = b"{1,500}"  # bounded, because the engine remembers each repetition
    return _Patterns(
        re.compile(rb"[^\[#;]+"),
        re.compile(b"(?:" + space + b"*" + name + rb"=[^\n]*(?<!\\)\n)" + many),
        re.compile(b"(?:" + space + b"+|" + comment + b"|" + empty_section + b")" + many),
        re.compile(rb"(?:[^\n]*\\\n)" + many),
    )


def _next_section(reader: _Reader) -> str | None:
    """Everything before the first section is skipped, whatever it is."""
    while True:
        reader.start = reader.here
        reader.step()
        if reader.skip(_patterns().before_section):
            continue
        character = reader.character()
        if character == "":
            return None
        if character == "[":
            return _section_name(reader)
        if character in "#;":
            _skip_comment(reader)


def _section_name(reader: _Reader) -> str:
    reader.step()
    name = reader.until(b"]")
    if not name.endswith(b"]"):
        raise BadUnit("unable to find end of section")
    reader.step()
    if reader.line().strip(_SPACES):
        raise BadUnit("found garbage after section name")
    return name[:-1].decode()


def _skip_comment(reader: _Reader) -> None:
    reader.step()
    while reader.skip(_patterns().continued):
        pass
    while reader.line().removesuffix(" ").endswith("\\"):
        pass


def _skip_option(reader: _Reader) -> None:
    reader.step()
    while (character := reader.character()) != "=":
        if character == "":
            raise BadUnit("EOF")
        if character in "\n\r":
            raise BadUnit("unexpected newline encountered while parsing option name")
    while reader.skip(_patterns().continued):
        pass
    continued = True
    while continued:
        reader.step()
        line = reader.line()
        continued = line.endswith("\\")
