"""The keys and values that fit at the cursor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from provision.config.model import Field
from provision.config.problems import Path, Position
from transpiler.butane.variants import table
from transpiler.editor.cursor import Cursor, cursor_at, keys_beside
from transpiler.editor.document import OpenDocument, TextRange
from transpiler.editor.fields import description, field_at, fields_of, summary, yaml_value
from transpiler.editor.names import devices
from transpiler.editor.units.completion import text_offers

LOCAL_FIELDS = {"local", "contents_local", "ssh_authorized_keys_local"}
"""Fields whose values are files below the files directory."""

MOST_FILES = 200
"""The number of local files that are offered."""

_MODES = {"file_mode": ("0644", "0755", "0600"), "dir_mode": ("0755", "0700", "0750")}


class Completion(NamedTuple):
    """An offer. `text` takes the place of `span`; `documentation` is Markdown."""

    label: str
    text: str
    span: TextRange
    detail: str = ""
    documentation: str = ""
    is_key: bool = False


def completions(document: OpenDocument, at: Position) -> list[Completion]:
    """All offers at a place. Those that the word before the cursor does not fit are there, too: editors filter them."""
    cursor = cursor_at(document.lines, at)
    span = TextRange(Position(at.line, cursor.start), at)
    if cursor.kind == "text":
        return [Completion(one.label, one.text, span, one.detail) for one in text_offers(document, cursor, at)]
    field = field_at(document.variant, cursor.path)
    in_list = field is not None and field.record is None and isinstance(cursor.path[-1], int)
    if cursor.kind == "key" and not in_list:
        return list(_keys(document, cursor, at, span))
    return list(_values(document, cursor, span))


def _keys(document: OpenDocument, cursor: Cursor, at: Position, span: TextRange) -> Iterator[Completion]:
    path, before = cursor.path, ""
    field = field_at(document.variant, path)
    if field is not None and field.many and not isinstance(path[-1], int) and not cursor.word:
        path, before = (*path, 0), "- "  # the dash of an element is not written yet
    known = keys_beside(document.lines, at, cursor) if not before else set()
    for one in fields_of(document.variant, path):
        if one.name not in known:
            text = before + _key_text(one, cursor, len(before))
            doc = description(one, document.variant, (*path, one.name))
            yield Completion(one.name, text, span, summary(one), doc, is_key=True)


def _key_text(field: Field, cursor: Cursor, more: int) -> str:
    """A key with what follows it: a blank, or the beginning of the next line."""
    if cursor.flow or (field.record is None and not field.many):
        return f"{field.name}: "
    return f"{field.name}:\n{' ' * (cursor.indent + more + 2)}{'- ' if field.many else ''}"


def _values(document: OpenDocument, cursor: Cursor, span: TextRange) -> Iterator[Completion]:
    if cursor.path == ("variant",):
        yield from (Completion(name, name, span) for name in dict.fromkeys(name for name, _ in table()))
        return
    if cursor.path == ("version",):
        yield from _versions(document, span)
        return
    field = field_at(document.variant, cursor.path)
    if field is None or field.record is not None or (field.many and isinstance(cursor.path[-1], str)):
        return
    for value in _texts(document, field, cursor.path):
        yield Completion(value, value, span, summary(field))


def _versions(document: OpenDocument, span: TextRange) -> Iterator[Completion]:
    """The versions of the variant, or of all if it is not known, the newest stable one first."""
    written = next((line for line in document.lines if line.startswith("variant:")), "")
    name = written.partition(":")[2].strip().strip("\"'")
    rows = [row for row in table().values() if row.name == name] or list(table().values())
    newest = rows[::-1]
    for row in sorted(newest, key=lambda row: row.version.endswith("experimental")):
        yield Completion(row.version, row.version, span, row.name)


def _texts(document: OpenDocument, field: Field, path: Path) -> Iterator[str]:
    if field.scalar is bool:
        yield from ("true", "false")
    elif field.is_mode:
        directory = "directories" in path or field.name == "dir_mode"
        yield from _MODES["dir_mode" if directory else "file_mode"]
    elif field.name in LOCAL_FIELDS:
        yield from _local_files(document.options.files.directory, directories=path[:2] == ("storage", "trees"))
    elif field.choices:
        spec = document.variant.spec_minor if document.variant else None
        yield from (one for one, since in field.choices.items() if one and (spec is None or since <= spec))
    elif field.name in {"device", "devices"}:
        yield from devices(document)
    elif field.example is not None and not field.many and not field.secret:
        yield yaml_value(field, field.example)


def _local_files(files_dir: str, *, directories: bool) -> Iterator[str]:
    """The files below the files directory, or its directories, without hidden ones; at most MOST_FILES."""
    count = 0
    for folder, inner, files in os.walk(files_dir) if files_dir else ():
        inner[:] = sorted(one for one in inner if not one.startswith("."))
        for name in inner if directories else sorted(files):
            if count >= MOST_FILES:
                return
            if not name.startswith("."):
                count += 1
                yield os.path.relpath(os.path.join(folder, name), files_dir)
