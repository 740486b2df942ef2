"""Texts with a mark for the cursor."""

from __future__ import annotations

from provision.config.problems import Position
from transpiler.editor.document import OpenDocument
from transpiler.translation_state import TranspileOptions

MARK = "\u00a6"

HEAD = "variant: fcos\nversion: 1.5.0\n"


def with_cursor(text: str, files_dir: str = "") -> tuple[OpenDocument, Position]:
    """The document without the mark, and the place of the mark."""
    before, _, after = text.partition(MARK)
    at = Position(before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
    return OpenDocument(before + after, TranspileOptions(files_dir=files_dir)), at
