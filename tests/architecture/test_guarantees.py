"""The page of guarantees names tests that exist, and none of its rows is without a test or a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
PAGE = HOUSE / "docs/reference/guarantees.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text().splitlines()
    if re.match(r"\| [A-Z]\d \|", line)
]


def test_every_guarantee_has_a_row() -> None:
    counts = {"S": 5, "I": 5, "F": 3, "N": 6, "P": 2, "L": 5, "U": 1}
    expected = [f"{group}{number}" for group, count in counts.items() for number in range(1, count + 1)]
    assert [row[0] for row in ROWS] == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_is_held_by_tests_that_exist_or_says_why_not(row: list[str]) -> None:
    _, _, held, tests = row
    named = re.findall(r"`(tests/[^`:]+)::(\w+)`", tests)
    assert held.startswith(("yes", "partly: ", "no: "))
    assert named or held.startswith("no: ")
    for path, name in named:
        assert f"def {name}(" in (HOUSE / path).read_text(), f"{path} has no {name}"
