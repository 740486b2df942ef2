"""Merge the tree of one document over that of another, as a machine merges a child config over its parent.

`provision.config.merge` decides, from the records of the two documents; the tree follows it. So each part of the
result is a node of the document that it comes from, with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from provision.config.merge import merge
from provision.config.model import Field, Record
from transpiler.butane.source_map import merged_pairs
from transpiler.reading.scalars import is_null
from transpiler.reading.typed import TextMap
from transpiler.reading.yaml_node import YamlNode

_ALTERNATIVES = ({"inline", "local", "source"}, {"contents", "contents_local"})
"""Fields of which only one may be set: if a document sets one, those of the documents before it do not count."""

Entries = dict[str, tuple[YamlNode, YamlNode]]
"""The entries of a mapping, key and value, by the text of the key."""


class Part(NamedTuple):
    """A document, or a part of one, as a node and as a record."""

    node: YamlNode
    record: Any


def merged_documents(documents: Sequence[Part]) -> YamlNode:
    """The tree of all documents, each merged over those before it. Their records are complete and of one type."""
    whole = documents[0]
    for document in documents[1:]:
        merged = merge(whole.record, document.record)
        whole = Part(_mapping(whole, document, merged), merged)
    return whole.node


def _mapping(old: Part, new: Part, merged: Record) -> YamlNode:
    """The tree of a record, from the trees of the two records that were merged."""
    theirs, ours = entries_of(old.node), entries_of(new.node)
    fields = {field.name: field for field in merged.FIELDS}
    replaced = {name for group in _ALTERNATIVES if group & ours.keys() for name in group - ours.keys()}
    items = []
    for name in dict.fromkeys((*theirs, *ours)):
        if name in replaced or (name in fields and fields[name].many and name not in ours and not _left(merged, name)):
            continue
        key, value = ours[name] if name in ours else theirs[name]
        if name in theirs and name in fields:
            both = (Part(theirs[name][1], getattr(old.record, name)), Part(value, getattr(new.record, name)))
            value = _value(fields[name], *both, getattr(merged, name), is_new=name in ours)
        items.append((key, value))
    return new.node._replace(kind="mapping", items=items, text="")


def _left(merged: Record, name: str) -> bool:
    """Whether anything is left of a list that only the parent has: the child may replace all of it by other lists."""
    return bool(getattr(merged, name))


def _value(field: Field, old: Part, new: Part, merged: Any, *, is_new: bool) -> YamlNode:
    """The value of a field that the parent has, and the child too if `is_new`."""
    if field.many:
        return _sequence(field, old, new if is_new else None, merged)
    if field.record is None or not is_new:
        return new.node
    if issubclass(field.record, TextMap):
        items = list({**entries_of(old.node), **entries_of(new.node)}.values())
        return new.node._replace(kind="mapping", items=items, text="")
    return _mapping(old, new, merged)


def _sequence(field: Field, old: Part, new: Part | None, merged: Any) -> YamlNode:
    theirs, ours = _elements(old.node), _elements(new.node) if new else []
    items = []
    for of_parent, of_child in merged_pairs(field, merged, old.record, new.record if new else ()):
        if of_child is None:
            items.append(theirs[of_parent or 0])
        elif of_parent is None or field.record is None or new is None:
            items.append(ours[of_child])
        else:
            parts = (
                Part(theirs[of_parent], old.record[of_parent]),
                Part(ours[of_child], new.record[of_child]),
            )
            items.append(_mapping(*parts, merged[len(items)]))
    return (new or old).node._replace(kind="sequence", items=items, text="")


def _elements(node: YamlNode) -> list[YamlNode]:
    """The elements of a sequence that are not null."""
    return [_target(one) for one in _target(node).items if not is_null(one)]


def entries_of(node: YamlNode) -> Entries:
    """The entries of a mapping that are not null, with those of merge keys (`<<`)."""
    found: Entries = {}
    for key, value in _pairs(node):
        if not is_null(value):
            found.setdefault(_target(key).text, (key, _target(value)))
    return found


def _pairs(node: YamlNode) -> Iterator[tuple[YamlNode, YamlNode]]:
    """The entries of a mapping, and then those of the mappings that it merges."""
    merged = []
    for key, value in _target(node).items:
        if key.kind == "scalar" and key.plain and key.text == "<<":
            merged.append(_target(value))
        else:
            yield key, value
    for one in merged:
        for mapping in map(_target, one.items) if one.kind == "sequence" else [one]:
            yield from _pairs(mapping)


def _target(node: YamlNode) -> YamlNode:
    """The node that an alias names; any other node itself."""
    return node.items[0] if node.kind == "alias" else node
