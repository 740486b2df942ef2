"""How a judgement is shown: for people, and in the two forms of the reference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provision.config.problems import Path, Position, Problem, dotted
from transpiler.source import Node, mark

_COLORS = {"error": "1;31", "warning": "1;33", "info": "1;36"}
_FRAME = "1;34"


class Text(NamedTuple):
    """The author's text: its name, its bytes, and the tree that places are looked up in."""

    name: str
    raw: bytes
    root: Node | None

    def place(self, problem: Problem) -> Position | None:
        """Where a problem is."""
        if problem.at is not None:
            return problem.at
        return mark(self.root, problem.path) if self.root else None

    def lines(self) -> list[str]:
        """The lines of the text, as an excerpt shows them."""
        encoding = "utf-16" if self.raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
        text = self.raw.decode(encoding, "replace")
        return text.replace("\r\n", "\n").split("\n")


def dollar(path: Path) -> str:
    """A path as the reference writes it: `$.storage.files.0.mode`."""
    return ".".join(("$", *map(str, path)))


def raw_line(problem: Problem, text: Text) -> str:
    """A problem in one line of the reference (`--raw-errors`)."""
    place = text.place(problem)
    marker = f"line {place.line} col {place.column}" if place else ""
    where = ", ".join(part for part in (dollar(problem.path) if problem.path else "", marker) if part)
    return f"{problem.severity} at {where}: {problem.message}" if where else f"{problem.severity}: {problem.message}"


def reference(problems: Sequence[Problem], text: Text, *, color: bool) -> str:
    """Problems with excerpts, as the reference draws them; one empty line between two."""
    lines = text.raw.decode("utf-8", "replace").split("\n")
    return "\n\n".join(_drawn(problem, text, lines, _Paint(color=color)) for problem in problems)


def _drawn(problem: Problem, text: Text, lines: list[str], paint: _Paint) -> str:
    place = text.place(problem)
    if place is None or not 0 < place.line <= len(lines) or place.column > len(lines[place.line - 1].encode()):
        return raw_line(problem, text)
    path = f"[{dollar(problem.path)}]" if problem.path else ""
    first, last = max(place.line - 2, 1), min(place.line + 2, len(lines))
    width = len(str(last))
    gutter = f" {' ' * width} |"
    drawn = [
        f"{paint(problem.severity, _COLORS[problem.severity])}{path}:",
        f"  {paint('-->', _FRAME)} {text.name}:{place.line}:{place.column}",
        gutter,
    ]
    for number in range(first, last + 1):
        line = lines[number - 1]
        drawn.append(f" {paint(f'{number:>{width}}', _FRAME)} | {line}")
        if number == place.line:
            drawn.append(f"{gutter} {_underline(line, place.column, paint)} {problem.message}")
    return "\n".join((*drawn, gutter))


def _underline(line: str, column: int, paint: _Paint) -> str:
    """Carets from a column to the next blank; the reference counts bytes here."""
    rest = line.encode()[column - 1 :]
    length = len(re.split(rb"[ \t\r\v\f]", rest, maxsplit=1)[0])
    return " " * (column - 1) + paint("^" * length, _FRAME)


def people(problems: Sequence[Problem], text: Text, *, color: bool) -> str:
    """Problems for people, errors first: place, path, what is wrong, the line with a caret, and what to do."""
    lines = text.lines()
    paint = _Paint(color=color)
    ordered = sorted(problems, key=lambda problem: not problem.fatal)
    return "\n".join(line for problem in ordered for line in _told(problem, text, lines, paint))


def _told(problem: Problem, text: Text, lines: list[str], paint: _Paint) -> Iterator[str]:
    place = text.place(problem)
    where = f"{text.name}:{place.line}:{place.column}" if place else text.name
    path = f"{dotted(problem.path)}: " if problem.path else ""
    yield f"{where}: {paint(problem.severity, _COLORS[problem.severity])}: {path}{shown(problem.message)}"
    if place and place.line <= len(lines):
        number = str(place.line)
        line = shown(lines[place.line - 1].replace("\t", " "))
        yield f"{paint(f' {number} |', _FRAME)} {_clipped(line)}"
        if place.column <= 120:
            gutter = f" {' ' * len(number)} |"
            yield f"{paint(gutter, _FRAME)} {' ' * (place.column - 1)}{paint('^', _FRAME)}"
    if problem.hint:
        yield f"  {paint('hint:', _FRAME)} {shown(problem.hint)}"


def _clipped(line: str) -> str:
    return line if len(line) <= 160 else line[:157] + "..."


def shown(text: str) -> str:
    """A text that cannot steer the terminal it is shown on."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


class _Paint:
    """Colours a text, or leaves it."""

    def __init__(self, *, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color else text
