"""Remove warnings that an author has silenced: by `# transpile: ignore=RULE` in the text, or `ignore` in the settings.

A comment at the end of a line applies to that line; a comment alone on a line applies to the next line.
`ignore-file=RULE` applies to the whole text. Several rules are separated by commas. Errors cannot be silenced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from provision.config.problems import Position, Problem
from provision.config.reports.rule_ids import rule_of

_COMMENT = re.compile(r"(?:^|\s)#\s*transpile:\s*(ignore|ignore-file)\s*=\s*([\w-]+(?:\s*,\s*[\w-]+)*)")


def without_silenced(
    problems: Iterable[Problem],
    lines: Mapping[str, list[str]],
    place: Callable[[Problem], Position | None],
    everywhere: Iterable[str] = (),
) -> list[Problem]:
    """The problems without warnings that comments in `lines` silence, or whose rule is in `everywhere`.

    `lines` are those of each file, by the names in places.
    """
    rules = set(everywhere)
    by_place = {(file, number): names for file in lines for number, names in _silenced_lines(lines[file]).items()}
    if not rules and not by_place:
        return list(problems)
    return [one for one in problems if one.fatal or not _silenced(one, rules, by_place, place)]


def _silenced(
    problem: Problem,
    rules: set[str],
    by_place: Mapping[tuple[str, int], set[str]],
    place: Callable[[Problem], Position | None],
) -> bool:
    rule = rule_of(problem)
    if rule in rules:
        return True
    at = place(problem) if by_place else None
    return at is not None and any(rule in by_place.get((at.file, number), ()) for number in (0, at.line))


def _silenced_lines(lines: list[str]) -> dict[int, set[str]]:
    """Number of a line (from 1) -> the rules that are silenced there. Number 0 is the whole text."""
    found: dict[int, set[str]] = {}
    if not any("transpile:" in line for line in lines):
        return found
    waiting: set[str] = set()
    for number, line in enumerate(lines, 1):
        match = _COMMENT.search(line) if "transpile:" in line else None
        names = set(re.split(r"\s*,\s*", match[2])) if match else set()
        alone = line.lstrip().startswith("#")
        if match and match[1] == "ignore-file":
            found.setdefault(0, set()).update(names)
        elif alone:
            waiting |= names
        elif line.strip():
            if names or waiting:
                found[number] = names | waiting
            waiting = set()
    return found
