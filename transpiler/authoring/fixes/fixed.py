"""Mend problems that have one certain remedy, by edits of the text."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from provision.config.problems import Problem
from transpiler.authoring.fixes.place import Place
from transpiler.authoring.fixes.remedies import is_certain, remedy
from transpiler.authoring.text_edits import Edit, apply_edits
from transpiler.lint.source import node_at
from transpiler.phases import transpile
from transpiler.result import Result
from transpiler.translation_state import TranspileOptions

MAX_ROUNDS = 200
"""The number of times that a text is checked again. One mistake can hide others, such as a syntax error."""


class Fixed(NamedTuple):
    """A text after all edits, and their number."""

    raw: bytes
    edits: int


def fixed(raw: bytes, options: TranspileOptions | None = None) -> Fixed:
    """Mend a text until no problem with a certain remedy is left. Warnings of the rules in `options.ignore` stay.

    Only the text itself is mended, not the files that it includes or extends.

    An edit is left out if a valid config would have an error after it, and after all edits that then follow.
    """
    made, result = Fixed(raw, 0), transpile(raw, options)
    for _ in range(MAX_ROUNDS):
        edits = {one.edit for one in fixes_of(result) if one.is_certain}
        for some in (edits, *({one} for one in sorted(edits))):
            tried = _tried(made, some, options, may_fail=result.failed)
            if tried is not None:
                made, result = tried
                break
        else:
            break
    return made


def _tried(
    before: Fixed, edits: Collection[Edit], options: TranspileOptions | None, *, may_fail: bool
) -> tuple[Fixed, Result] | None:
    """The text after edits, and what is found in it; None if they change nothing, or if it has errors and may not.

    Errors that appear behind a misspelled key are mended first: there may be none in the end.
    """
    made = Fixed(apply_edits(before.raw, edits), before.edits + len(edits))
    if made.raw == before.raw:
        return None
    for _ in range(MAX_ROUNDS):
        result = transpile(made.raw, options)
        if may_fail or not result.failed:
            return made, result
        further = {one.edit for one in fixes_of(result) if one.is_certain}
        after = apply_edits(made.raw, further)
        if after == made.raw:
            break
        made = Fixed(after, made.edits + len(further))
    return None


class Fix(NamedTuple):
    """A problem and the edit that mends it. If it is not certain, the author decides."""

    problem: Problem
    edit: Edit
    is_certain: bool


def fixes_of(result: Result) -> Iterator[Fix]:
    """The problems of a text whose hints name what to write. The text after an edit has not been checked."""
    lines = result.text.lines()
    line_break = "\r\n" if b"\r\n" in result.text.raw else "\n"
    for problem in result.problems:
        at = result.text.place(problem)
        if problem.hint and not (at and at.file):
            place = Place(problem, result.text.root, node_at(result.text.root, problem.path), lines, line_break)
            edit = remedy(place)
            if edit is not None:
                yield Fix(problem, edit, is_certain(place, edit))
