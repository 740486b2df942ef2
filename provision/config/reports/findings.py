"""A problem of one source with its place. Places are worked out only when a problem is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from provision.config.problems import Position, Problem, dotted
from provision.config.reports.rule_ids import rule_of


class Finding(NamedTuple):
    """A problem of one source, with its place if it has one.

    `line` is the text of that line and `character` the place of the caret in it, from 0; for an excerpt. `masked` says
    that the secrets of that line have been replaced by asterisks.
    """

    source: str
    problem: Problem
    at: Position | None = None
    line: str = ""
    character: int = 0
    masked: bool = False

    @property
    def file(self) -> str:
        """The name of the source as it may be shown, without control characters."""
        return escaped(self.source)

    @property
    def rule(self) -> str:
        """The name of the rule."""
        return rule_of(self.problem)

    @property
    def place(self) -> str:
        """`file:line:column`, as far as known."""
        return f"{self.file}:{self.at.line}:{self.at.column}" if self.at else self.file

    @property
    def message(self) -> str:
        """The path, what is wrong there, and the likely fix, in one line."""
        problem = self.problem
        path = f"{dotted(problem.path)}: " if problem.path else ""
        hint = f" (hint: {problem.hint})" if problem.hint else ""
        return f"{path}{problem.message}{hint}"


def escaped(name: str) -> str:
    """The name of a file with every control character, and every byte that is not UTF-8, as an escape."""
    return name if name.isprintable() else "".join(one if one.isprintable() else _escape(one) for one in name)


def _escape(letter: str) -> str:
    """`\\n` for a newline; `\\xff` for a byte that Python holds as a lone surrogate."""
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


LONGEST_LINE = 4 << 20
"""How many characters a line may have of which a part is shown: to find its secrets takes memory."""


def findings(source: str, raw: bytes, problems: Sequence[Problem]) -> list[Finding]:
    """Problems of a JSON text with their places, which are worked out here."""
    from provision.config.json_text.positions import locate_all

    if not problems:
        return []
    text = raw.decode(errors="surrogateescape")
    places: Sequence[Position | None] = (
        locate_all(text, problems) if _readable(problems) else [one.at for one in problems]
    )
    lines = text.split("\n")
    return [_finding(source, problem, at, lines) for problem, at in zip(problems, places, strict=True)]


def _readable(problems: Sequence[Problem]) -> bool:
    """Whether the text could be read as JSON. If not, its one problem has its own position."""
    return any(problem.path for problem in problems)


def _finding(source: str, problem: Problem, at: Position | None, lines: Sequence[str]) -> Finding:
    if at is None or not 0 < at.line <= len(lines):
        return Finding(source, problem, at)
    line = lines[at.line - 1]
    if len(line) > LONGEST_LINE:
        return Finding(source, problem, at)
    return Finding(source, problem, at, line, _character(line, at.column))


def _character(line: str, column: int) -> int:
    """The index of the character at a byte column of a line, from 0."""
    if line.isascii():
        return column - 1
    return len(line.encode(errors="surrogateescape")[: column - 1].decode(errors="surrogateescape"))
