"""Compressed user data: every member and stream, in bounded time and memory."""

from __future__ import annotations

import gzip
import lzma
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.failures import FetchFailed
from provision.fetch.user_data.compression import decompressed

MIB = 1 << 20


@given(st.lists(st.binary(max_size=9000), min_size=1, max_size=5))
def test_all_members_and_streams_count(parts: list[bytes]) -> None:
    parts = [b"not compressed itself", *parts]
    whole = b"".join(parts)
    assert decompressed(b"".join(gzip.compress(part) for part in parts), "it") == whole
    assert decompressed(b"".join(lzma.compress(part) for part in parts), "it") == whole


def test_padding_between_members_and_streams_is_skipped() -> None:
    assert decompressed(gzip.compress(b"a") + bytes(5000) + gzip.compress(b"b") + bytes(3), "it") == b"ab"
    assert decompressed(lzma.compress(b"a") + bytes(5000) + lzma.compress(b"b") + bytes(4), "it") == b"ab"


@pytest.mark.parametrize(
    "damaged",
    [
        lzma.compress(b"a") + bytes(3),
        lzma.compress(b"a") + bytes(2) + lzma.compress(b"b"),
        lzma.compress(b"a") + b"more",
        lzma.compress(b"abc" * 999)[:-5],
        gzip.compress(b"a", mtime=0) + b"more",
        gzip.compress(b"a" * 999, mtime=0)[:-5],
        gzip.compress(b"a", mtime=0)[:-8] + bytes(8),
        b"\x1f\x8b",
        b"\xfd7zXZ\x00",
    ],
    ids=range(9),
)
def test_damage_is_reported(damaged: bytes) -> None:
    with pytest.raises(FetchFailed):
        decompressed(damaged, "it")


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
def test_many_members_take_time_in_proportion(compress: Callable[[bytes], bytes]) -> None:
    """These 4 MiB of gzip took 16.8 s when the bytes after each member were copied."""
    member = compress(b"")
    began = time.process_time()
    assert decompressed(member * (4 * MIB // len(member)), "it") == b""
    assert time.process_time() - began < 10


BOMB = r"""
import re, sys
from provision.failures import FetchFailed
from provision.fetch.user_data.compression import decompressed
compressed = sys.stdin.buffer.read()
try:
    decompressed(compressed, "it")
except FetchFailed as failure:
    peak = re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]
    print(failure.cause, int(peak) >> 10, sep=";")
"""


@pytest.mark.slow
@pytest.mark.parametrize("compress", [partial(gzip.compress, compresslevel=1), partial(lzma.compress, preset=0)])
def test_a_bomb_is_refused_in_little_memory(compress: Callable[[bytes], bytes]) -> None:
    bomb = compress(bytes(256 * MIB))
    done = subprocess.run([sys.executable, "-c", BOMB], input=bomb, capture_output=True, check=True)
    cause, peak = done.stdout.decode().split(";")
    assert cause.startswith("decompresses to more than")
    assert int(peak) < 200
