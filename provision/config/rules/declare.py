"""How a rule is declared: a small generator of problems about one type of record, and the versions that have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from provision.config.model import NEWEST, Record, minor
from provision.config.problems import Problem

_Record = TypeVar("_Record", bound=Record)


class Rule(NamedTuple):
    """A rule runs wherever its type of record occurs, in the versions from `since` up to, but not with, `until`."""

    name: str
    doc: str
    record: type[Record]
    since: int
    until: int
    find: Callable[[Any, int], Iterator[Problem]]


def rule(
    record: type[_Record], *, since: str = "3.0", until: str = f"3.{NEWEST + 1}"
) -> Callable[[Callable[[_Record], Iterator[Problem]]], Rule]:
    """Make a rule of a function that yields problems, with paths from the record on."""

    def declared(find: Callable[[_Record], Iterator[Problem]]) -> Rule:
        return Rule(
            find.__name__, find.__doc__ or "", record, minor(since), minor(until), lambda one, _version: find(one)
        )

    return declared


def versioned_rule(
    record: type[_Record], *, since: str = "3.0", until: str = f"3.{NEWEST + 1}"
) -> Callable[[Callable[[_Record, int], Iterator[Problem]]], Rule]:
    """Make a rule of a function that asks for the version, too."""

    def declared(find: Callable[[_Record, int], Iterator[Problem]]) -> Rule:
        return Rule(find.__name__, find.__doc__ or "", record, minor(since), minor(until), find)

    return declared
