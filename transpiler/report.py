"""How a judgement is shown: for people, and in the two forms of Butane."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provision.config.problems import Position, Problem, ignition_path
from provision.config.reports.findings import Finding
from transpiler.reading.tree import YamlNode, mark

_COLORS = {"error": "1;31", "warning": "1;33", "info": "1;36"}

_FRAME = "1;34"


class SourceText(NamedTuple):
    """The author's text: its name, its bytes, and the tree that places are looked up in."""

    name: str
    raw: bytes
    root: YamlNode | None

    def place(self, problem: Problem) -> Position | None:
        """Where a problem is."""
        if problem.at is not None:
            return problem.at
        return mark(self.root, problem.path) if self.root else None

    def lines(self) -> list[str]:
        """The lines of the text, broken where YAML 1.1 counts a new one."""
        encoding = "utf-16" if self.raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
        return re.split("\r\n|[\r\n\x85\u2028\u2029]", self.raw.decode(encoding, "replace"))


def raw_line(problem: Problem, text: SourceText) -> str:
    """A problem in one line of Butane (`--raw-errors`)."""
    place = text.place(problem)
    marker = f"line {place.line} col {place.column}" if place else ""
    where = ", ".join(part for part in (ignition_path(problem.path) if problem.path else "", marker) if part)
    return f"{problem.severity} at {where}: {problem.message}" if where else f"{problem.severity}: {problem.message}"


def butane_report(problems: Sequence[Problem], text: SourceText, *, color: bool) -> str:
    """Problems with excerpts, as Butane draws them; one empty line between two."""
    lines = text.raw.decode("utf-8", "replace").split("\n")
    return "\n\n".join(_drawn(problem, text, lines, _Paint(color=color)) for problem in problems)


def _drawn(problem: Problem, text: SourceText, lines: list[str], paint: _Paint) -> str:
    place = text.place(problem)
    if place is None or not 0 < place.line <= len(lines) or place.column > len(lines[place.line - 1].encode()):
        return raw_line(problem, text)
    path = f"[{ignition_path(problem.path)}]" if problem.path else ""
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
    """Carets from a column to the next blank; Butane counts bytes here."""
    rest = line.encode()[column - 1 :]
    length = len(re.split(rb"[ \t\r\v\f]", rest, maxsplit=1)[0])
    return " " * (column - 1) + paint("^" * length, _FRAME)


def located(problems: Sequence[Problem], text: SourceText) -> list[Finding]:
    """Problems with their places and source lines, in which secrets are hidden, for every form of report."""
    if not problems:
        return []
    lines = text.lines()
    secrets = _Secrets(text.root)
    found = []
    for problem in problems:
        place = text.place(problem)
        known = place is not None and 0 < place.line <= len(lines)
        line = secrets.hidden(place.line, lines[place.line - 1]) if place and known else ""
        found.append(Finding(text.name, problem, place, line, place.column - 1 if place else 0))
    return found


_SECRET_NAMES = frozenset({"inline", "password_hash", "value", "contents", "config", "advertisement"})

_URL_NAMES = frozenset({"source", "http_proxy", "https_proxy"})


class _Secrets:
    """The scalars of a text that may be secrets, by the lines they stand on."""

    def __init__(self, root: YamlNode | None) -> None:
        self.scalars = sorted(_secret_scalars(root), key=lambda node: node.at)
        self.starts = [node.line for node in self.scalars]

    def hidden(self, number: int, line: str) -> str:
        """A line with every character of a secret as an asterisk."""
        index = bisect_right(self.starts, number)
        while index > 0:
            index -= 1
            node = self.scalars[index]
            if node.end >= (number, 1):
                start = node.column - 1 if node.line == number else 0
                end = node.end[1] - 1 if node.end[0] == number else len(line)
                line = line[:start] + re.sub(r"\S", "*", line[start:end]) + line[end:]
            if node.line < number:
                break
        return line


def _secret_scalars(root: YamlNode | None) -> Iterator[YamlNode]:
    waiting = [("", root)] if root else []
    while waiting:
        name, node = waiting.pop()
        if node.kind == "mapping":
            waiting.extend((key.text, value) for key, value in node.items)
        elif node.kind == "sequence":
            waiting.extend((name, item) for item in node.items)
        elif name in _SECRET_NAMES or (name in _URL_NAMES and re.match(r"data:|[^?]*[@?]", node.text)):
            yield node


class _Paint:
    """Colours a text, or leaves it."""

    def __init__(self, *, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color else text
