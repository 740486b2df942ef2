"""Comparing what was said with what the machine says."""

from __future__ import annotations

import pytest

from provision.engine import agrees
from provision.observe import Account, Kind, Node, Partition, Table

FILE = Node(Kind.FILE, 0o644, 0, 0)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (FILE, FILE._replace(size=3, identity=(1, 2))),
        (Account("core", None, None, "/home/core"), Account("core", 1000, 1000, "/home/core")),
        (None, None),
        (Table("gpt", partitions=(Partition(1, 2048, 4096, "T", "G"),)),) * 2,
        (("a", "b"), ("a", "b")),
    ],
)
def test_what_a_tool_chooses_is_not_compared(expected: object, found: object) -> None:
    assert agrees(expected, found)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (FILE, FILE._replace(mode=0o600)),
        (FILE, None),
        (None, FILE),
        (Account("core", 1000), Account("core", 1001)),
        (Table("gpt", partitions=(Partition(1, 2048, 4096, "T", "G"),)), Table("gpt")),
        (("a", None), ("a", "b")),
    ],
)
def test_everything_else_is(expected: object, found: object) -> None:
    assert not agrees(expected, found)
