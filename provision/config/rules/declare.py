"""How a rule is declared: a function that yields the problems of one type of record, and the versions that have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from provision.config.model import NEWEST, Record, minor
from provision.config.problems import Problem

_Record = TypeVar("_Record", bound=Record)

Keywords = Mapping[str, Any]
"""Keywords of JSON Schema about a record. Properties have their JSON names."""

_NOTHING: Keywords = {}


def required(name: str, **keywords: Any) -> dict[str, Any]:
    """Keywords that require a property with a text that is not empty; `keywords` are further ones for its value."""
    return {"required": [name], "properties": {name: {"minLength": 1, **keywords}}}


def has(path: str, value: Keywords) -> dict[str, Any]:
    """Keywords that objects with a property of such a value satisfy; `path` is dotted: `verification.hash`."""
    name, _, below = path.partition(".")
    return {"required": [name], "properties": {name: has(below, value) if below else value}}


TEXT = {"type": "string"}
FILLED = {"type": "string", "minLength": 1}
NUMBER = {"type": "integer"}
NOT_ZERO = {"type": "integer", "not": {"const": 0}}
TRUE = {"const": True}
NOT_EMPTY = {"type": "array", "minItems": 1}


def never(*keywords: Keywords) -> dict[str, Any]:
    """Keywords that an object satisfies unless it satisfies all of these."""
    return {"not": {"allOf": list(keywords)}}


def any_of(*keywords: Keywords) -> dict[str, Any]:
    """Keywords that an object satisfies if it satisfies at least one of these."""
    return {"anyOf": list(keywords)}


class Rule(NamedTuple):
    """A rule runs wherever its type of record occurs, in the versions from `since` up to, but not with, `until`.

    `schema` is the part of the rule that JSON Schema can express: what it refuses, the rule refuses at the same place.
    `schema_in_yaml` is False where an author may write another form in YAML, from which the transpiler makes what the
    rule demands.
    """

    name: str
    doc: str
    record: type[Record]
    since: int
    until: int
    find: Callable[[Any, int], Iterator[Problem]]
    schema: Keywords | Callable[[int], Keywords]
    schema_in_yaml: bool

    def keywords(self, version: int) -> Keywords:
        """What the rule says about its records in a version, as keywords of JSON Schema."""
        return self.schema(version) if callable(self.schema) else self.schema


def rule(
    record: type[_Record],
    *,
    since: str = "3.0",
    until: str = f"3.{NEWEST + 1}",
    schema: Keywords | Callable[[int], Keywords] = _NOTHING,
    schema_in_yaml: bool = True,
) -> Callable[[Callable[[_Record], Iterator[Problem]]], Rule]:
    """Make a rule of a function that yields problems, with paths that begin at the record."""

    def declared(find: Callable[[_Record], Iterator[Problem]]) -> Rule:
        return Rule(
            find.__name__,
            find.__doc__ or "",
            record,
            minor(since),
            minor(until),
            lambda one, _version: find(one),
            schema,
            schema_in_yaml,
        )

    return declared


def versioned_rule(
    record: type[_Record],
    *,
    since: str = "3.0",
    until: str = f"3.{NEWEST + 1}",
    schema: Keywords | Callable[[int], Keywords] = _NOTHING,
    schema_in_yaml: bool = True,
) -> Callable[[Callable[[_Record, int], Iterator[Problem]]], Rule]:
    """Make a rule of a function that also takes the version."""

    def declared(find: Callable[[_Record, int], Iterator[Problem]]) -> Rule:
        return Rule(find.__name__, find.__doc__ or "", record, minor(since), minor(until), find, schema, schema_in_yaml)

    return declared
