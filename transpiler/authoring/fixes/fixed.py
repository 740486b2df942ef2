"""Mend problems that have one certain remedy, by edits of the text."""

from __future__ import annotations

import os
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


class Fix(NamedTuple):
    """A problem, the edit that mends it, and the name of its file in places, empty for the text itself.

    If it is not certain, the author decides.
    """

    problem: Problem
    edit: Edit
    is_certain: bool
    file: str = ""


def fixed(raw: bytes, options: TranspileOptions | None = None) -> Fixed:
    """Mend a text until no problem with a certain remedy is left. Warnings of the rules in `options.ignore` stay.

    Only the text itself is mended, not the files that it includes or extends.

    An edit is left out if a valid config would have an error after it, and after all edits that then follow.
    """
    return _Mending(raw, options or TranspileOptions(), with_parts=False).run()[""]


def fixed_with_parts(raw: bytes, options: TranspileOptions) -> dict[str, tuple[bytes, Fixed]]:
    """Mend a text as `fixed` does, and the parts that it includes or extends.

    Returns the texts before and after all edits by their names in places: that of the text itself is "". Parts without
    an edit are not there. Local files and files of values are not mended.
    """
    mending = _Mending(raw, options, with_parts=True)
    return {name: (mending.before[name], one) for name, one in mending.run().items()}


def fixes_of(result: Result) -> Iterator[Fix]:
    """The problems of a text and its parts whose hints name what to write. The text after an edit is not checked."""
    texts = {"": result.text, **result.text.others}
    lines: dict[str, list[str]] = {}
    for problem in result.problems:
        at = result.text.place(problem)
        file = at.file if at is not None else ""
        if problem.hint and file in texts and texts[file].is_yaml:
            own = lines[file] = lines.get(file) or texts[file].lines()
            line_break = "\r\n" if b"\r\n" in texts[file].raw else "\n"
            node = node_at(result.text.root, problem.path)
            place = Place(problem, result.text.root, node, own, file, line_break)
            edit = remedy(place)
            if edit is not None:
                yield Fix(problem, edit, is_certain(place, edit), file)


_Texts = dict[str, Fixed]


class _Mending:
    """Edits of a text, and of its parts if that is wanted. A file of values is no part: other values may be given."""

    def __init__(self, raw: bytes, options: TranspileOptions, *, with_parts: bool) -> None:
        self.before = {"": raw}
        self.options, self.with_parts = options, with_parts
        self.kept = {*(options.values.texts if options.values else ()), *(one.name for one in options.bases)}

    def run(self) -> _Texts:
        """The texts after all edits."""
        made = {"": Fixed(self.before[""], 0)}
        result = self.check(made)
        for _ in range(MAX_ROUNDS):
            edits = self.edits(result)
            for some in (edits, *({one} for one in sorted(edits))):
                tried = self.tried(made, some, result)
                if tried is not None:
                    made, result = tried
                    break
            else:
                break
        return made

    def check(self, texts: _Texts) -> Result:
        """What is found in the texts."""
        parts = {os.path.realpath(name): one.raw for name, one in texts.items() if name}
        return transpile(texts[""].raw, self.options._replace(part_texts={**self.options.part_texts, **parts}))

    def edits(self, result: Result) -> set[tuple[str, Edit]]:
        """The certain edits by the names of their files."""
        found = (one for one in fixes_of(result) if one.is_certain)
        return {
            (one.file, one.edit) for one in found if not one.file or (self.with_parts and one.file not in self.kept)
        }

    def tried(self, before: _Texts, edits: Collection[tuple[str, Edit]], found: Result) -> tuple[_Texts, Result] | None:
        """The texts after edits, and what is found in them; None if nothing changes, or if a valid config has errors.

        Errors that appear behind a misspelled key are mended first: there may be none in the end.
        """
        made = self.edited(before, edits, found)
        if made is None:
            return None
        for _ in range(MAX_ROUNDS):
            result = self.check(made)
            if found.failed or not result.failed:
                return made, result
            after = self.edited(made, self.edits(result), result)
            if after is None:
                break
            made = after
        return None

    def edited(self, texts: _Texts, edits: Collection[tuple[str, Edit]], found: Result) -> _Texts | None:
        """The texts after edits; None if they change nothing."""
        made = dict(texts)
        for file in sorted({name for name, _ in edits}):
            own = [edit for name, edit in edits if name == file]
            old = texts.get(file) or Fixed(self.before.setdefault(file, found.text.others[file].raw), 0)
            raw = apply_edits(old.raw, own)
            if raw != old.raw:
                made[file] = Fixed(raw, old.edits + len(own))
        return None if made == texts else made
