"""Sizes of partitions."""

from __future__ import annotations

import pytest

from transpiler.container_linux.sugar.sizes import BadSize, mebibytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", None),
        ("0", 0),
        ("+0", 0),
        ("1MiB", 1),
        ("1MB", 1),
        ("1GiB512MiB", 1536),
        ("1.5GiB", 1536),
        (".5GiB", 512),
        ("1.GiB", 1024),
        ("2PiB", 2 << 30),
        ("1048576B", 1),
        ("+3MiB", 3),
        ("-0MiB", 0),
        ("0" * 5000 + "7MiB", 7),
        ("1." + "0" * 5000 + "MiB", 1),
        ("1." + "0" * 5000 + "1MiB", 1),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    assert mebibytes(text) == size


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1", "units: unknown unit  in 1"),
        ("2G", "units: unknown unit G in 2G"),
        ("1GiB1MB", "units: unknown unit GiB in 1GiB1MB"),
        ("-", "units: invalid -"),
        (".MiB", "units: invalid .MiB"),
        ("large", "units: invalid large"),
        ("-1MiB", 'invalid dimension (negative): "-1MiB"'),
        ("1KiB", "invalid dimension (finest granularity is 1MiB)"),
        ("99EB", "units: overflow parsing unit"),
        ("922337203685477580.8" + "0" * 30 + "1B", "units: invalid 922337203685477580.8" + "0" * 30 + "1B"),
        ("9" * 5000 + "MiB", "units: invalid " + "9" * 5000 + "MiB"),
    ],
)
def test_bad_sizes(text: str, message: str) -> None:
    with pytest.raises(BadSize) as refused:
        mebibytes(text)
    assert str(refused.value) == message
