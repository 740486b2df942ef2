"""Text for a console of 80 columns."""

from __future__ import annotations

import pytest

from provision.boot.failure.rows import COLUMNS, cut, fitted, row_count


@pytest.mark.parametrize(
    ("length", "rows"), [(0, 1), (COLUMNS - 1, 1), (COLUMNS, 1), (COLUMNS + 1, 2), (2 * COLUMNS, 2), (5 * COLUMNS, 5)]
)
def test_rows_are_counted_as_a_console_breaks_lines(length: int, rows: int) -> None:
    assert row_count(["x" * length]) == rows


def test_the_middle_of_a_long_line_is_left_out() -> None:
    line = "storage.disks[0]: " + "x" * 500 + " is not there"
    shown = cut(line, 2)
    assert len(shown) == 2 * COLUMNS
    assert shown.startswith("storage.disks[0]: xx")
    assert "xx...xx" in shown
    assert shown.endswith("xx is not there")
    assert cut("short", 1) == "short"


def test_lines_share_the_rows() -> None:
    long = "x" * 1000
    assert row_count(fitted([long], 5)) == 5
    assert [row_count([line]) for line in fitted([long] * 9, 5)] == [2, 2, 1]
    assert fitted(["a", "b", "c"], 2) == ["a", "b"]
    assert fitted(["a"], 0) == []
