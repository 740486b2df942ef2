"""The report of ct: each problem with its kind, its line and column, and its message.

Source: `config/validate/report` of coreos/ignition 0.35, `internal/main.go` of ct.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.problems import Path, Problem
from transpiler.container_linux.phases import EMPTY, NOT_CONVERTED, NOT_PARSED, UNKNOWN_KEY
from transpiler.container_linux.rules import INFO
from transpiler.reading.tree import place_of
from transpiler.reading.yaml_node import YamlNode
from transpiler.translation_state import Work

_WITHOUT_PLACE = frozenset(
    {EMPTY, "unsupported platform", "unknown field", "platform must be specified to use templating"}
)
"""Messages that ct prints without a place."""

_PLACE_ABOVE = (
    (1, "unrecognized hash function"),
    (1, "incorrect size for hash sum"),
    (1, "invalid filesystem format"),
    (1, "invalid networkd unit extension"),
    (1, "invalid networkd drop-in extension"),
    (1, "invalid systemd drop-in extension"),
    (2, "the create object has been deprecated in favor of mount-level"),
    (2, "cannot use both create object and "),
    (1, "the create object has been deprecated in favor of user-level"),
    (1, "cannot use both the create object and "),
    (9, "references nonexistent filesystem "),
    (9, "shadows exising filesystem definition"),
)
"""Parts of messages for which ct prints the place of a record so many levels above; 9 stands for the whole text."""


_OF_RECORD = (
    "filesystem is missing mount or path",
    "filesystem has both mount and path defined",
    "only one of the following can be set",
    "flannel network config cannot be provided",
    "window-start and window-length",
    "cannot set both",
)
"""The beginnings of messages about a record as a whole."""


def ct_report(work: Work, *, strict: bool) -> str:
    """What ct prints on standard error for a text; empty for nothing. With `strict`, warnings are errors."""
    if work.error not in {"", NOT_PARSED, NOT_CONVERTED}:
        return f"error: {work.error}\n{NOT_PARSED}\n"
    parsed = work.problems[: work.parsed]
    if work.error == NOT_PARSED or (strict and parsed):
        return _lines([*_entries(parsed, work.root), NOT_PARSED])
    shown = work.problems[: work.reported]
    return _lines([*_entries(shown, work.root)])


def _lines(entries: list[str]) -> str:
    return "".join(f"{entry}\n" for entry in entries)


def _entries(problems: list[Problem], root: YamlNode | None) -> Iterator[str]:
    for problem in _without_those_below(problems):
        place = problem.at or place_of(root, _path(problem))
        known = root is not None and problem.message not in _WITHOUT_PLACE
        where = f" at line {place.line}, column {place.column}\n" if known else ": "
        yield f"{_kind(problem)}{where}{problem.message}"
        if problem.message.startswith(UNKNOWN_KEY):
            key = str(problem.path[-1])
            right = problem.hint.removeprefix("write ")
            if right != key and right.lower() == key.lower():
                yield f"info{where}Did you mean {right} instead of {key}"


def _without_those_below(problems: list[Problem]) -> list[Problem]:
    """The problems without those in a record that ct does not search, because the record itself is wrong."""
    wrong = {
        _path(one) for one in problems if one.fatal and (_path(one) != one.path or one.message.startswith(_OF_RECORD))
    } - {()}
    return [one for one in problems if not any(_path(one)[:length] in wrong for length in range(1, len(_path(one))))]


def _path(problem: Problem) -> Path:
    """The path whose place ct prints: often that of the record, where the problem has that of a field."""
    path, message = problem.path, problem.message
    if path[:3] == ("ignition", "security", "tls"):
        return path[:2]
    in_record = path[:1] == ("networkd",) or "dropins" in path
    if (message.startswith("invalid unit content") and in_record) or (
        message == "path not absolute" and isinstance(path[-1], int)
    ):
        return path[:-1]
    above = next((levels for levels, part in _PLACE_ABOVE if part in message), 0)
    return path[: max(len(path) - above, 0)]


def _kind(problem: Problem) -> str:
    return "info" if problem.message in INFO else problem.severity
