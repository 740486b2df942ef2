"""What an editor offers: to mend a problem as its hint says, to mend all that are certain, and to silence a warning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.config.problems import Position
from transpiler.authoring.fixes.fixed import Fix, Fixed, fixed, fixed_with_parts, fixes_of
from transpiler.authoring.text_edits import Edit, apply_edits
from transpiler.editor.diagnostics import Diagnostic, diagnostics
from transpiler.editor.document import OpenDocument, TextRange

MOST = 10
"""The number of diagnostics for which actions are sought. For each action the text is translated again."""

MOST_LINES = 2000
"""In a longer text, there are actions for one diagnostic, and all are mended only when the editor asks for that."""

_WHOLE_TEXT = "Mend all problems that have one certain remedy"


class CodeAction(NamedTuple):
    """A change of the text: its title, its parts, and the diagnostic that it removes (None if it removes several)."""

    title: str
    edits: tuple[tuple[TextRange, str], ...]
    diagnostic: Diagnostic | None
    is_preferred: bool = False


def code_actions(document: OpenDocument, first: int, last: int) -> list[CodeAction]:
    """The actions for problems on the lines from `first` to `last`."""
    is_long = len(document.lines) > MOST_LINES
    here = [one for one in diagnostics(document) if first <= one.span.start.line <= last][: 1 if is_long else MOST]
    if not here:
        return []
    mended = [
        one for fix in fixes_of(document.result) if fix.file == document.file and (one := _mend(document, fix, here))
    ]
    silencing = here if first == last else []
    found = [*mended, *(one for diagnostic in silencing if (one := _silence(document, diagnostic)))]
    return [*found, *(mend_all(document) if mended and not is_long else ())]


def _mend(document: OpenDocument, fix: Fix, here: list[Diagnostic]) -> CodeAction | None:
    problem, edit = fix.problem, fix.edit
    diagnostic = next((one for one in here if one.problem == problem), None)
    if diagnostic is None:
        return None
    changed = apply_edits(document.raw, [edit])
    if changed == document.raw or (document.checked(changed).failed and not document.result.failed):
        return None
    old = document.line(edit.line)[edit.start - 1 : edit.end - 1]
    new = edit.text
    title = f"Write {new.strip()} in place of {old.strip()}" if old.strip() and new.strip() else ""
    span = TextRange(Position(edit.line, edit.start), Position(edit.line, edit.end))
    hint = f"Mend: {problem.hint or problem.message}"
    return CodeAction(title or hint, ((span, new),), diagnostic, is_preferred=fix.is_certain)


def mend_all(document: OpenDocument) -> Iterator[CodeAction]:
    """The action that does what `transpile check --fix` does, if that changes anything."""
    if document.part_of is None:
        mended = fixed(document.raw, document.options)
    else:
        own = fixed_with_parts(*document.source(document.raw)).get(document.file)
        mended = own[1] if own is not None else Fixed(document.raw, 0)
    if mended.edits:
        whole = TextRange(Position(1, 1), Position(len(document.lines), len(document.lines[-1]) + 1))
        yield CodeAction(_WHOLE_TEXT, ((whole, mended.raw.decode().removeprefix("\ufeff")),), None)


def _silence(document: OpenDocument, diagnostic: Diagnostic) -> CodeAction | None:
    """The action that silences a warning by a comment at the end of its line; None in the middle of a text."""
    if diagnostic.problem.fatal:
        return None
    number = diagnostic.span.start.line
    line = document.line(number)
    at = Position(number, len(line.rstrip()) + 1)
    comment = f"  # transpile: ignore={diagnostic.rule}"
    after = document.checked(apply_edits(document.raw, [Edit.insert(at, comment)]))
    silenced = after.problems.count(diagnostic.problem) < document.result.problems.count(diagnostic.problem)
    if not silenced or after.json != document.result.json or after.failed != document.result.failed:
        return None
    span = TextRange(at, Position(number, len(line) + 1))
    return CodeAction(f"Silence {diagnostic.rule} on this line", ((span, comment),), diagnostic)
