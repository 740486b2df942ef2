"""What is wrong with a config: values that are collected, never raised, and shown all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Where in a config: JSON names (or YAML names, on the author's side) and list indices, from the top."""


class Position(NamedTuple):
    """A place in a text: line and column count from 1. JSON columns count bytes, YAML columns characters.

    `file` is the name of the file if it is another than the checked text itself, such as a file that it includes.
    """

    line: int
    column: int
    file: str = ""


class Problem(NamedTuple):
    """One finding about a config.

    `message` has the wording of ignition-validate if that program reports the same finding (other programs read the
    wording); `hint` says the likely fix and is our own. Neither ever holds a secret: no password hash, key, data URL,
    header value, URL user info or query. `at` is set only where a path cannot give the position (a syntax error);
    `on_key` says that the key at the end of the path is meant, not its value. `rule` names the rule where the message
    does not tell it (see `reports.rule_ids`).
    """

    path: Path
    message: str
    fatal: bool = True
    hint: str = ""
    at: Position | None = None
    on_key: bool = False
    rule: str = ""

    @property
    def severity(self) -> str:
        """`error` or `warning`, as reports print it."""
        return "error" if self.fatal else "warning"

    def under(self, *prefix: str | int) -> Problem:
        """The same problem with `prefix` before its path."""
        return self._replace(path=(*prefix, *self.path))


MAX_PROBLEMS = 10_000
"""How many problems of each severity are kept. A hostile config can have a million, and nobody reads that many."""


class ProblemList:
    """Problems as they are found, in order; of each severity the first MAX_PROBLEMS."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self._room = {True: MAX_PROBLEMS, False: MAX_PROBLEMS}

    def add(self, problem: Problem) -> None:
        """Keep the problem, unless there are too many of its severity already."""
        if self._room[problem.fatal] > 0:
            self.kept.append(problem)
        self._room[problem.fatal] -= 1

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add many."""
        for problem in problems:
            self.add(problem)

    @property
    def left_out(self) -> int:
        """How many were not kept."""
        return sum(max(0, -room) for room in self._room.values())


def dotted(path: Path) -> str:
    """A path as people read it: `storage.files[1].mode`; empty for the top."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{shortened(part)}" for part in path)
    return text.removeprefix(".")


MOST_SHOWN = 4000
"""How many characters of a key are shown. A hostile config has one of 32 MiB."""


def shortened(text: str) -> str:
    """The beginning of a text that is too long to be shown, and an ellipsis."""
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def count_of(problems: Sequence[Problem]) -> str:
    """How many there are, in words: `1 error, 2 warnings`; empty for none."""
    errors = sum(problem.fatal for problem in problems)
    parts = [(errors, "error"), (len(problems) - errors, "warning")]
    return ", ".join(f"{count} {name}{'s' * (count > 1)}" for count, name in parts if count)


def ignition_path(path: Path) -> str:
    """A path as Ignition writes it: `$.storage.files.0.mode`."""
    return ".".join(("$", *map(str, path)))
