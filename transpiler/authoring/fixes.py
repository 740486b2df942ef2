"""Mend problems that have one certain remedy, by edits of the text.

A problem is left to the author if a second remedy is likely: a mode or a size whose meaning is not known, a missing
value, a word that is similar to a known one by more than one letter. The hint of a problem says what to write; the
functions here take it from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from provision.config.problems import Position, Problem
from provision.config.reports.rule_ids import rule_of
from transpiler.authoring.text_edits import Edit, apply_edits
from transpiler.lint.source import node_at
from transpiler.lint.syntax import odd_space
from transpiler.phases import transpile
from transpiler.reading.yaml_node import YamlNode
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
        edits = {one.edit for one in fixes_of(result)}
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
        further = {one.edit for one in fixes_of(result)}
        after = apply_edits(made.raw, further)
        if after == made.raw:
            break
        made = Fixed(after, made.edits + len(further))
    return None


class Fix(NamedTuple):
    """A problem and the edit that mends it."""

    problem: Problem
    edit: Edit


def fixes_of(result: Result) -> Iterator[Fix]:
    """The problems of a text that have one certain remedy. The text after an edit has not been checked."""
    lines = result.text.lines()
    for problem in result.problems:
        fix, place = _FIXES.get(rule_of(problem)), result.text.place(problem)
        if fix is not None and not (place and place.file):
            edit = fix(_Place(problem, node_at(result.text.root, problem.path), result, lines))
            if edit is not None:
                yield Fix(problem, edit)


class _Place(NamedTuple):
    """A problem, its node in the text (None if the text is not YAML), and the lines of the text."""

    problem: Problem
    node: YamlNode | None
    result: Result
    lines: list[str]

    def value(self, text: str) -> Edit | None:
        """The edit that writes another value. None if the node is not a text on one line."""
        return _written_anew(self.node, self.lines, text) if text else None

    def hinted(self, pattern: str) -> str:
        """What the first group of a pattern matches in the hint; empty if the hint does not match as a whole."""
        match = re.fullmatch(pattern, self.problem.hint)
        return match[1] if match else ""

    @property
    def line(self) -> str:
        """The line of the problem; empty if it has no place of its own."""
        at = self.problem.at
        return self.lines[at.line - 1] if at is not None and 0 < at.line <= len(self.lines) else ""


def _written_anew(node: YamlNode | None, lines: list[str], text: str) -> Edit | None:
    if node is None or node.kind != "scalar" or node.end[0] != node.line or node.file:
        return None
    written = lines[node.line - 1][node.column - 1 : node.end[1] - 1]
    if written not in {node.text, f'"{node.text}"', f"'{node.text}'"}:  # it has an anchor, a tag or an escape
        return None
    return Edit(node.line, node.column, node.end[1], text)


def _mode(place: _Place) -> Edit | None:
    return place.value(place.hinted(r".*write (0[0-7]{3,4})(?::.*)?"))


def _hinted_value(place: _Place) -> Edit | None:
    return place.value(place.hinted(r"write ([\w./@+-]+)"))


def _similar_value(place: _Place) -> Edit | None:
    if place.problem.path[-1] not in {"variant", "version"}:  # the key itself is misspelled
        return _key(place)
    near = place.hinted(r"did you mean ([\w.-]+)\?.*")
    if near and place.node is not None and _one_letter_apart(place.node.text, near):
        return place.value(near)
    return _hinted_value(place)


def _wrong_type(place: _Place) -> Edit | None:
    node, hint = place.node, place.problem.hint
    if node is None or node.kind != "scalar":
        return None
    if hint == "remove the quotes" and re.fullmatch(r"[0-9]{1,18}", node.text):
        return place.value(node.text)
    if hint.startswith("write it as an element of a list") and node.plain and re.fullmatch(r"[\w./@-]+", node.text):
        return place.value(f"[{node.text}]")
    return place.value(place.hinted(r"write `(?:user|group): (\{[^`]*\})`") or place.hinted(r"write (0?[0-7]{3})"))


def _key(place: _Place) -> Edit | None:
    """The edit that writes another key, if its mapping does not have that key yet."""
    key, mapping = place.problem.path[-1], node_at(place.result.text.root, place.problem.path[:-1])
    near = place.hinted(r"did you mean (\w+)\?")
    name = place.hinted(r"(?:write|the key is) `?(\w+)`?") or (near if _one_letter_apart(str(key), near) else "")
    if not name or mapping is None or mapping.kind != "mapping":
        return None
    keys = [one for one, _ in mapping.items if one.text == key]
    if len(keys) != 1 or any(one.text == name for one, _ in mapping.items):
        return None
    return _written_anew(keys[0], place.lines, name)


def _missing_blank(place: _Place) -> Edit | None:
    at = place.problem.at
    if at is None:
        return None
    after_dash = place.problem.message.endswith("`-`")
    return Edit.insert(Position(at.line, at.column + 1) if after_dash else at, " ")


def _equals_sign(place: _Place) -> Edit | None:
    at, match = place.problem.at, re.match(r"([\s-]*\w+)( *= *)", place.line)
    if at is None or match is None or "=" not in place.problem.message:
        return None
    return Edit(at.line, match.start(2) + 1, match.end(2) + 1, ": ")


def _odd_space(place: _Place) -> Edit | None:
    at = place.problem.at
    if at is None or odd_space(place.line) != at.column:
        return None
    return Edit(at.line, at.column, at.column + 1, " ")


def _quotes(place: _Place) -> Edit | None:
    match = re.fullmatch(
        '[\u201c\u201d\u201e\u00ab]([^"\\\\\u201c\u201d]*)[\u201d\u201c\u00bb]', place.node.text if place.node else ""
    )
    return place.value(f'"{match[1]}"') if match else None


def _section(place: _Place) -> Edit | None:
    at, match = place.problem.at, re.match(r"\s*\[(\w+)\]\s*$", place.line)
    near = place.hinted(r"did you mean (\w+)\?")
    if at is None or match is None or not _one_letter_apart(match[1], near):
        return None
    return Edit(at.line, match.start(1) + 1, match.end(1) + 1, near)


def _one_letter_apart(word: str, other: str) -> bool:
    """Whether one letter is missing, too many, different, or exchanged with the next; upper case does not count."""
    first, second = sorted((word.lower(), other.lower()), key=len)
    if not first or len(second) - len(first) > 1:
        return False
    at = next((index for index, letter in enumerate(first) if letter != second[index]), len(first))
    if len(first) < len(second):
        return first[at:] == second[at + 1 :]
    exchanged = first[at : at + 2] == second[at : at + 2][::-1] and first[at + 2 :] == second[at + 2 :]
    return first[at + 1 :] == second[at + 1 :] or exchanged


_FIXES: dict[str, Callable[[_Place], Edit | None]] = {
    "decimal-mode": _mode,
    "dropin-extension": _hinted_value,
    "illegal-mode": _mode,
    "no-blank": _missing_blank,
    "no-colon": _equals_sign,
    "odd-space": _odd_space,
    "unclean-path": _hinted_value,
    "typographic-quotes": _quotes,
    "unit-name": _hinted_value,
    "unit-section": _section,
    "unused-key": _key,
    "variant": _similar_value,
    "version": _similar_value,
    "wrong-type": _wrong_type,
}
"""Rule -> the edit that mends its problem; None if this problem has no certain remedy."""
