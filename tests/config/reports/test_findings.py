"""Findings: names of files, and places in JSON."""

from __future__ import annotations

import pytest

from provision.config.problems import Position, Problem
from provision.config.reports.did_you_mean import did_you_mean
from provision.config.reports.findings import escaped, findings


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a b.bu", "a b.bu"), ("é", "é"), ("a\nb", "a\\nb"), ("\x1b[1m", "\\x1b[1m"), ("\udcff", "\\xff")],
)
def test_names_of_files_hold_no_control_characters(name: str, shown: str) -> None:
    assert escaped(name) == shown


def test_a_near_word_is_offered() -> None:
    assert did_you_mean("pln", ["plan", "apply"]) == " (did you mean plan?)"
    assert did_you_mean("xyz", ["plan", "apply"]) == ""


@pytest.mark.parametrize(("line", "character"), [('{"a": 1, "b": 2}', 9), ('{"é": 1, "b": 2}', 9), ('{"b": 2}', 1)])
def test_a_caret_stands_below_its_character(line: str, character: int) -> None:
    (found,) = findings("a.ign", line.encode(), [Problem(("b",), "odd", on_key=True)])
    assert found.character == character
    assert line[character:].startswith('"b"')


def test_places_count_bytes_and_carets_count_characters() -> None:
    (found,) = findings("a.ign", '{"é": 1, "b": 2}'.encode(), [Problem(("b",), "odd", on_key=True)])
    assert found.at == Position(1, 11)
    assert found.character == 9
