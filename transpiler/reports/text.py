"""Show problems: as findings with places for our own reports, and in the two forms that Butane prints.

Source: the output of Butane; its one-line form is that of coreos/vcontext.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from provision.config.problems import Position, Problem, ignition_path
from provision.config.reports.findings import Finding, escaped
from transpiler.reading.tree import place_of
from transpiler.reading.yaml_node import YamlNode
from transpiler.reports.secret_masks import Masks, without_values

_COLORS = {"error": "1;31", "warning": "1;33", "info": "1;36"}

_FRAME = "1;34"


class SourceText(NamedTuple):
    """The author's text: its name, its bytes, and its YAML tree, from which places are taken.

    `others` are the other files that the text has parts from, by the names in places. `as_written` is the tree of the
    text itself, if `root` is made of several parts. `public_names` are fields that Butane does not have, whose values
    are no secrets. Without `is_yaml`, it is the text of a local file, such as a unit.
    """

    name: str
    raw: bytes
    root: YamlNode | None
    others: Mapping[str, SourceText] = {}
    as_written: YamlNode | None = None
    public_names: frozenset[str] = frozenset()
    is_yaml: bool = True

    def place(self, problem: Problem) -> Position | None:
        """The line and column of a problem, counted from 1; None if the text could not be parsed."""
        if problem.at is not None:
            return problem.at
        return place_of(self.root, problem.path) if self.root else None

    def all_lines(self) -> dict[str, list[str]]:
        """The lines of the text and of its other files, by the names in places; the name of the text itself is ""."""
        return {"": self.lines(), **{name: one.lines() for name, one in self.others.items()}}

    def lines(self) -> list[str]:
        """The lines of the text without line breaks. Source for line breaks: YAML 1.1, section 4.1.4."""
        if not self.is_yaml:
            return self.raw.decode("utf-8-sig", "replace").split("\n")
        encoding = "utf-16" if self.raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
        text = self.raw.decode(encoding, "replace")
        for line_break in ("\r\n", "\r", "\x85", "\u2028", "\u2029"):
            if line_break in text:
                text = text.replace(line_break, "\n")
        return text.split("\n")


def raw_line(problem: Problem, text: SourceText) -> str:
    """A problem as one line without a newline, as Butane prints it with `--raw-errors`."""
    place = text.place(problem)
    marker = f"line {place.line} col {place.column}" if place else ""
    where = ", ".join(part for part in (ignition_path(problem.path) if problem.path else "", marker) if part)
    return f"{problem.severity} at {where}: {problem.message}" if where else f"{problem.severity}: {problem.message}"


def butane_report(problems: Sequence[Problem], text: SourceText, *, color: bool) -> str:
    """Problems with excerpts of the text, as Butane prints them, with an empty line between two problems."""
    lines = text.raw.decode("utf-8", "replace").split("\n")
    return "\n\n".join(_with_excerpt(problem, text, lines, _Paint(color=color)) for problem in problems)


def _with_excerpt(problem: Problem, text: SourceText, lines: list[str], paint: _Paint) -> str:
    place = text.place(problem)
    if place is None or not 0 < place.line <= len(lines) or place.column > len(lines[place.line - 1].encode()):
        return raw_line(problem, text)
    path = f"[{ignition_path(problem.path)}]" if problem.path else ""
    first, last = max(place.line - 2, 1), min(place.line + 2, len(lines))
    width = len(str(last))
    gutter = f" {' ' * width} |"
    drawn = [
        f"{paint(problem.severity, _COLORS[problem.severity])}{path}:",
        f"  {paint('-->', _FRAME)} {escaped(text.name)}:{place.line}:{place.column}",
        gutter,
    ]
    for number in range(first, last + 1):
        line = lines[number - 1]
        drawn.append(f" {paint(f'{number:>{width}}', _FRAME)} | {line}")
        if number == place.line:
            drawn.append(f"{gutter} {_underline(line, place.column, paint)} {problem.message}")
    return "\n".join((*drawn, gutter))


def _underline(line: str, column: int, paint: _Paint) -> str:
    """Carets from a column to the next white space. Butane counts bytes here, not characters."""
    rest = line.encode()[column - 1 :]
    length = len(re.split(rb"[ \t\r\v\f]", rest, maxsplit=1)[0])
    return " " * (column - 1) + paint("^" * length, _FRAME)


def located(problems: Sequence[Problem], text: SourceText) -> list[Finding]:
    """Problems with their places and source lines. Secrets in the lines are hidden; equal problems are given once."""
    if not problems:
        return []
    lines = text.all_lines()
    roots = (text.root, text.as_written, *(one.root for one in text.others.values()))
    masks = Masks(roots, text.public_names)
    return [_finding(problem, text, lines, masks) for problem in dict.fromkeys(problems)]


def _finding(problem: Problem, text: SourceText, lines: Mapping[str, Sequence[str]], masks: Masks) -> Finding:
    place = text.place(problem)
    if place is None:
        return Finding(text.name, problem, masked=_is_masked(text))
    own = lines.get(place.file, ())
    of_file = text.others.get(place.file, text)
    line = own[place.line - 1] if 0 < place.line <= len(own) else ""
    line = masks.masked_line(place, line) if of_file.is_yaml else without_values(line)
    return Finding(of_file.name, problem, place, line, place.column - 1, masked=_is_masked(of_file))


def _is_masked(text: SourceText) -> bool:
    """Whether the text is no YAML, or could be parsed, so that its secrets are known."""
    return not text.is_yaml or text.root is not None or text.as_written is not None


class _Paint:
    """Wraps a text in the escape codes of a colour, or returns it unchanged if `color` is false."""

    def __init__(self, *, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color else text
