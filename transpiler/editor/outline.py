"""The entries of a config for the outline of an editor, and the parts of the text that it can fold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.config.model import Record
from provision.config.problems import Position
from transpiler.editor.document import OpenDocument, TextRange, node_span
from transpiler.editor.fields import record_type
from transpiler.reading.yaml_node import YamlNode


class Symbol(NamedTuple):
    """A section or an entry of a list: its name, its whole text, and the part that has the name."""

    name: str
    detail: str
    span: TextRange
    name_span: TextRange
    inner: tuple[Symbol, ...]


def symbols(document: OpenDocument) -> tuple[Symbol, ...]:
    """The sections of the text with their entries. Empty while the text is not YAML."""
    root = document.root
    if root is None or root.kind != "mapping":
        return ()
    return tuple(_Outline(document, _last_places(root)).sections(root, ()))


class _Outline:
    """The walk over a text; `last` has the end of each node by its id."""

    def __init__(self, document: OpenDocument, last: dict[int, Position]) -> None:
        self.document = document
        self.last = last

    def sections(self, mapping: YamlNode, path: tuple[str | int, ...]) -> Iterator[Symbol]:
        """The keys of a mapping that have entries, or that are at the top."""
        lines = self.document.lines
        for key, value in mapping.items:
            if key.kind != "scalar" or key.file:
                continue
            inner = tuple(self.inner(value, (*path, key.text)))
            if inner or not path:
                detail = value.text if value.kind == "scalar" and len(value.text) < 40 else ""
                span = TextRange(key.at, max(self.last[id(value)], node_span(key, lines).end))
                yield Symbol(key.text, detail, span, node_span(key, lines), inner)

    def inner(self, node: YamlNode, path: tuple[str | int, ...]) -> Iterator[Symbol]:
        """The sections of a mapping, or the entries of a list."""
        if node.kind == "mapping" and len(path) < 3:
            yield from self.sections(node, path)
        elif node.kind == "sequence":
            record = record_type(self.document.variant, (*path, 0))
            for index, item in enumerate(node.items):
                name = _key_value(item, record) if item.kind == "mapping" and record is not None else None
                if name is not None and not item.file and not name.file:
                    inner = tuple(self.sections(item, (*path, index))) if len(path) < 5 else ()
                    name_span = node_span(name, self.document.lines)
                    span = TextRange(item.at, max(self.last[id(item)], name_span.end))
                    yield Symbol(name.text, "", span, name_span, inner)


def _key_value(item: YamlNode, record: type[Record]) -> YamlNode | None:
    """The node that names an entry: of the fields that the record has, `name`, `path`, `device`, `label`, `local`."""
    known = {field.name for field in record.FIELDS}
    values = {key.text: value for key, value in item.items if value.kind == "scalar" and value.text}
    return next(
        (values[name] for name in ("name", "path", "device", "label", "local") if name in known & values.keys()), None
    )


def _last_places(root: YamlNode | None) -> dict[int, Position]:
    """The place after the last character of each node, by its id. Closing brackets do not count."""
    waiting: list[tuple[YamlNode, YamlNode | None]] = [(root, None)] if root else []
    order: list[tuple[YamlNode, YamlNode | None]] = []
    while waiting:
        node, above = waiting.pop()
        order.append((node, above))
        if node.kind == "mapping":
            waiting.extend((part, node) for pair in node.items for part in pair)
        elif node.kind == "sequence":
            waiting.extend((item, node) for item in node.items)
    last: dict[int, Position] = {}
    for node, above in reversed(order):
        own = last[id(node)] = max(last.get(id(node), node.at), Position(*node.end))
        if node.file:
            last[id(node)] = Position(0, 0)
        elif above is not None:
            last[id(above)] = max(last.get(id(above), above.at), own)
    return last


def folds(document: OpenDocument) -> list[tuple[int, int]]:
    """The first and last lines (from 1) of keys with longer values, elements of lists, and blocks such as units."""
    last = _last_places(document.root)
    found: set[tuple[int, int]] = set()
    waiting = [document.root] if document.root else []
    while waiting:
        node = waiting.pop()
        if node.kind == "mapping":
            for key, value in node.items:
                if not key.file:
                    found.add((key.line, _last_line(value, last, document)))
                waiting.append(value)
        elif node.kind == "sequence":
            found.update((item.line, _last_line(item, last, document)) for item in node.items if not item.file)
            waiting.extend(node.items)
    return sorted((first, last) for first, last in found if last > first)


def _last_line(node: YamlNode, last: dict[int, Position], document: OpenDocument) -> int:
    """The last line of a node that has text. A block ends at the beginning of the line that follows it."""
    at = last[id(node)]
    number = at.line - 1 if at.column <= 1 else at.line
    while number > node.line and not document.line(number).strip():
        number -= 1
    return number
