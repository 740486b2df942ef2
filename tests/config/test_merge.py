"""Merging: recorded pairs of configs with Ignition's results, and laws that hold for any configs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings

from provision.config.format import Config, File, HttpHeader, Resource, Storage
from provision.config.json_text.decode import decode
from provision.config.json_text.encode import plain
from provision.config.merge import merge
from provision.config.model import NEWEST, Record, Secret, key_of
from tests.config.configs import valid_configs

GOLDEN = [json.loads(line) for line in (Path(__file__).parent / "data" / "merge.jsonl").read_text().splitlines()]


def of(value: dict[str, Any]) -> Config:
    return decode(json.dumps(value).encode())


@pytest.mark.parametrize("pair", GOLDEN, ids=[pair["law"] for pair in GOLDEN])
def test_merging_gives_what_ignition_gives(pair: dict[str, Any]) -> None:
    assert plain(merge(of(pair["parent"]), of(pair["child"]))) == pair["merged"]


def test_what_neither_config_says_is_not_set() -> None:
    parent, child = File(path="/a", mode=0o644), File(path="/a", overwrite=True)
    merged = merge(parent, child)
    assert [field.name for field in File.FIELDS if merged.is_set(field.name)] == ["overwrite", "path", "mode"]


VALID = valid_configs(NEWEST)
NODES = ("files", "directories", "links")
"""They share one name space."""
FEWER = settings(max_examples=max(settings().max_examples // 4, 10))
"""Three configs an example are many."""

EMPTY = Config(ignition=Config().ignition.changed(version="3.7.0-experimental"))


@FEWER
@given(VALID)
def test_an_empty_parent_changes_nothing(one: Config) -> None:
    assert merge(Config(), one) == one
    assert merge(EMPTY, one) == one


@FEWER
@given(VALID)
def test_an_empty_child_changes_nothing(one: Config) -> None:
    assert merge(one, Config()) == one
    assert merge(one, EMPTY) == one


@FEWER
@given(VALID)
def test_merging_with_itself_changes_only_what_appends(one: Config) -> None:
    """Headers without a value remove themselves, too."""
    assert without_appended(merge(one, one)) == without_appended(one)


@FEWER
@given(VALID, VALID)
def test_merging_once_more_changes_only_what_appends(parent: Config, child: Config) -> None:
    once = merge(parent, child)
    assert without_appended(merge(once, child)) == without_appended(once)


@FEWER
@given(VALID, VALID, VALID)
def test_merging_is_associative_up_to_order(one: Config, two: Config, three: Config) -> None:
    """Except for headers (one without a value removes only headers of its direct parent), and for a node that changes
    its kind.
    """
    kinds = {
        kind: {key_of(node) for conf in (one, two, three) for node in getattr(conf.storage, kind)} for kind in NODES
    }
    assume(len(set().union(*kinds.values())) == sum(map(len, kinds.values())))
    left, right = merge(merge(one, two), three), merge(one, merge(two, three))
    assert unordered(left) == unordered(right)


@FEWER
@given(VALID, VALID)
def test_merging_keeps_files_and_units_of_the_parent(parent: Config, child: Config) -> None:
    merged = merge(parent, child)
    taken = {key_of(node) for kind in NODES for node in getattr(child.storage, kind)}
    for file in parent.storage.files:
        assert file.path in taken or file in merged.storage.files
    for unit in parent.systemd.units:
        assert unit.name in {one.name for one in merged.systemd.units}


def without_appended(record: Any) -> Any:
    """A record as plain values, without lists that append and without headers."""
    if not isinstance(record, Record):
        return record
    return {
        field.name: tuple(map(without_appended, value)) if field.many else without_appended(value)
        for field, value in record.items()
        if not field.appends and field.name != "http_headers"
    }


def unordered(record: Any) -> Any:
    """As `without_appended`, with the elements of lists in the order of their keys."""
    if not isinstance(record, Record):
        return record
    return {
        field.name: {key_of(one): unordered(one) for one in value} if field.many else unordered(value)
        for field, value in record.items()
        if not field.appends and field.name != "http_headers"
    }


def test_a_header_can_be_removed() -> None:
    headers = (HttpHeader(name="A", value=Secret("1")), HttpHeader(name="B", value=Secret("2")))
    parent = File(path="/a", contents=Resource(source="http://a", http_headers=headers))
    child = File(path="/a", contents=Resource(http_headers=(HttpHeader(name="A"), HttpHeader(name="C"))))
    merged = merge(Config(storage=Storage(files=(parent,))), Config(storage=Storage(files=(child,))))
    assert [header.name for header in merged.storage.files[0].contents.http_headers] == ["B", "C"]
