"""From bytes to a config and its problems."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.validate import EMPTY, INVALID, NO_VERSION, UNKNOWN_VERSION, validate
from tests.config.configs import texts


@pytest.mark.parametrize(
    ("raw", "error", "count"),
    [
        (b"", EMPTY, 0),
        (b" ", INVALID, 1),
        (b"null", NO_VERSION, 0),
        (b"{}", NO_VERSION, 0),
        (b"[]", INVALID, 1),
        (b'{"ignition": 1}', INVALID, 1),
        (b'{"ignition": {"version": 3}}', INVALID, 1),
        (b'{"ignition": {"version": "3"}}', NO_VERSION, 0),
        (b'{"ignition": {"version": "2.5.0"}}', UNKNOWN_VERSION, 0),
        (b'{"ignition": {"version": "3.0.1"}}', UNKNOWN_VERSION, 0),
        (b'{"ignition": {"version": "3.6.0-experimental"}}', UNKNOWN_VERSION, 0),
        (b'{"ignition": {"version": "3.0.0+a"}}', UNKNOWN_VERSION, 0),
        (b'{"ignition": {"version": "3.0.0"}, "storage": []}', INVALID, 1),
        (b'{"ignition": {"version": "3.0.0"}, "storage": {"files": [{}]}}', INVALID, 1),
        (b'{"ignition": {"version": "3.0.0"}}', "", 0),
        (b'{"IGNITION": {"VERSION": "03.0.0-"}}', "", 1),
        (b'{"ignition": {"version": "3.7.0-experimental"}, "x": 1}', "", 1),
    ],
)
def test_results_are_those_of_ignition(raw: bytes, error: str, count: int) -> None:
    validated = validate(raw)
    assert (validated.error, len(validated.problems)) == (error, count)
    assert (validated.config is None) == bool(error)


def test_findings_have_the_order_of_ignition() -> None:
    raw = b"""{"ignition": {"version": "3.4.0"}, "x": 1, "storage": {
        "links": [{"path": "/l", "target": "x", "y": 2}, {"path": "/l", "target": ""}], "files": [{"path": "/l/"}]}}"""
    assert [problem.path for problem in validate(raw).problems] == [
        ("storage", "files", 0),
        ("storage", "files", 0),
        ("storage", "links", 1, "target"),
        ("storage", "files", 0, "path"),
        ("storage", "links", 1),
        ("x",),
        ("storage", "links", 0, "y"),
    ]


def test_below_a_miscased_key_unknown_keys_are_not_looked_for() -> None:
    raw = b'{"ignition": {"version": "3.4.0"}, "Storage": {"files": [{"path": "", "x": 1}]}}'
    assert [problem.path for problem in validate(raw).problems] == [("storage", "files", 0, "path"), ("Storage",)]


def test_null_in_place_of_an_object_is_a_warning() -> None:
    (problem,) = validate(b'{"ignition": {"version": "3.4.0"}, "storage": null}').problems
    assert problem.message.startswith("context tree does not match content tree at $.storage.")
    assert not problem.fatal


def test_null_in_place_of_a_pointer_is_none() -> None:
    """Up to 3.2 `clevis` was a pointer, which null makes nil; since 3.3 it is a record."""
    luks = b'"storage": {"luks": [{"name": "a", "device": "/dev/a", "clevis": null}]}'
    assert validate(b'{"ignition": {"version": "3.2.0"}, %s}' % luks).problems == ()
    (problem,) = validate(b'{"ignition": {"version": "3.3.0"}, %s}' % luks).problems
    assert problem.path == ("storage", "luks", 0, "clevis")


@given(st.binary() | texts())
def test_every_text_gets_a_verdict(raw: bytes) -> None:
    validated = validate(raw)
    assert (validated.config is None) == bool(validated.error)
    assert bool(validated.error) or not any(problem.fatal for problem in validated.problems)
