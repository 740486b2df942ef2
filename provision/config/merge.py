"""Merges a child config over its parent, by the types, keys and shared keys that the records declare.

A value that is set in the child replaces the parent's, also if it is empty. Records are merged field by field. Two
elements of lists are merged if they have the same key. Three things can be removed: an HTTP header by its name
without a value, a node by another kind of node at its path, and a kernel argument by the opposite list. Source:
coreos/ignition `config/merge`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from provision.config.format import HttpHeader
from provision.config.model import Field, Record, key_of

_Record = TypeVar("_Record", bound=Record)


def merge(parent: _Record, child: _Record) -> _Record:
    """The child record merged over the parent record of the same type; both are of the newest version."""
    if child.is_empty:
        return parent
    if parent.is_empty:
        return child
    return type(parent)(
        **{
            field.name: _field(field, parent, child)
            for field in parent.FIELDS
            if parent.is_set(field.name) or child.is_set(field.name)
        }
    )


def _field(field: Field, parent: Record, child: Record) -> Any:
    old, new = getattr(parent, field.name), getattr(child, field.name)
    if field.many:
        return (*old, *new) if field.appends else tuple(_keyed(field, parent, child))
    if field.record is not None:
        return merge(old, new)
    return old if field.optional and new is None else new


def _keyed(field: Field, parent: Record, child: Record) -> Iterator[Any]:
    """The parent's elements, each merged with the child's element of the same key; then the child's other elements."""
    theirs = {key_of(element): element for element in getattr(child, field.name)}
    elsewhere = {
        key_of(element)
        for sibling in child.FIELDS
        if sibling.many and sibling.unique_by == field.unique_by and sibling is not field
        for element in getattr(child, sibling.name)
    }
    ours = set()
    for element in getattr(parent, field.name):
        key = key_of(element)
        ours.add(key)
        if key in theirs:
            yield from _over(element, theirs[key])
        elif key not in elsewhere:
            yield element
    yield from (element for element in getattr(child, field.name) if key_of(element) not in ours)


def _over(old: Any, new: Any) -> Iterator[Any]:
    if isinstance(new, HttpHeader) and new.value is None:
        return
    yield merge(old, new) if isinstance(old, Record) else new
