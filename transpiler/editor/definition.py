"""Where the thing under the cursor comes from: a file, an anchor, or the name of a volume, array or label."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from provision.config.problems import Position
from transpiler.editor.completion import LOCAL_FIELDS
from transpiler.editor.document import OpenDocument, TextRange, node_span, node_under
from transpiler.editor.names import definition_span
from transpiler.reading.local_files import LocalFileError

_OTHER_FILES = re.compile(r"(?:!include[ \t]+|^extends[ \t]*:[ \t]*|^[ \t]*-[ \t]+(?=\S+\.bu\b))[\"']?([^\s\"'#,\]}]+)")
"""The name of a file that a config includes or extends."""


class DefinitionTarget(NamedTuple):
    """A part of a file; of the document itself if `file` is empty."""

    file: str
    span: TextRange


def definition(document: OpenDocument, at: Position) -> DefinitionTarget | None:
    """The target; None if there is none."""
    for match in _OTHER_FILES.finditer(document.line(at.line)):
        if match.start(1) <= at.column - 1 <= match.end(1):
            return _local_file(document, match[1])
    found = node_under(document, at)
    if found is not None and not found.is_key:
        if found.node.kind == "alias" and not found.node.items[0].file:
            return DefinitionTarget("", node_span(found.node.items[0], document.lines))
        if any(part in LOCAL_FIELDS for part in found.path[-2:]):
            return _local_file(document, found.node.text)
    span = definition_span(document, at)
    return DefinitionTarget("", span) if span else None


def _local_file(document: OpenDocument, name: str) -> DefinitionTarget | None:
    try:
        path = document.options.files.locate(name)
    except LocalFileError:
        return None
    start = Position(1, 1)
    return DefinitionTarget(os.path.abspath(path), TextRange(start, start)) if os.path.isfile(path) else None
