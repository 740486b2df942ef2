"""Configs that are compressed as a whole."""

from __future__ import annotations

import gzip

import pytest

from provision.config.json_text.parse import MAX_BYTES
from transpiler.reading.compressed import uncompressed, zstd_module

PACKED = gzip.compress(b"{}" * 50, mtime=0)  # the ids of tests have it


def test_gzip() -> None:
    assert uncompressed(PACKED) == b"{}" * 50


def test_zstd() -> None:
    module = zstd_module()
    if module is None:
        pytest.skip("no module for zstd")
    packed = module.compress(b"{}" * 50)
    assert uncompressed(packed) == b"{}" * 50
    for kept in (packed[:-3], packed[:4] + b"\xff" * 40):
        assert uncompressed(kept) == kept
    bomb = module.compress(bytes(MAX_BYTES + 1))
    assert uncompressed(bomb) is bomb


@pytest.mark.parametrize("kept", [b"", b"variant: fcos\n", PACKED[:-9], PACKED[:2] + b"\xff" * 40])
def test_other_bytes_stay(kept: bytes) -> None:
    assert uncompressed(kept) == kept


def test_a_bomb_stays() -> None:
    bomb = gzip.compress(bytes(MAX_BYTES + 1), 1)
    assert uncompressed(bomb) is bomb
