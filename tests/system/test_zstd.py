"""libzstd gives what the program zstd gives, and takes nothing else."""

from __future__ import annotations

import random
import subprocess
from shutil import which

import pytest

from provision.system.zstd import unzstd

pytestmark = pytest.mark.skipif(which("zstd") is None, reason="zstd is not on PATH")

SKIPPED = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
"""A frame without contents (RFC 8878, 3.1.2)."""


def packed(raw: bytes) -> bytes:
    return subprocess.run(["zstd", "--quiet", "--stdout"], input=raw, stdout=subprocess.PIPE, check=True).stdout


def contents(raw: bytes) -> bytes:
    parts = unzstd(raw)
    assert parts is not None
    return b"".join(parts)


@pytest.mark.parametrize(
    "raw", [b"", b"a", bytes(1 << 17), bytes(1 << 18), random.Random(1).randbytes(300_000)], ids=range(5)
)
def test_all_frames_count(raw: bytes) -> None:
    frame = packed(raw)
    assert contents(frame) == raw
    assert contents(frame + SKIPPED + frame + packed(b"end")) == raw + raw + b"end"
    for damaged in (frame[:-1], frame[:5], frame + b"more", b"more"):
        with pytest.raises(ValueError, match=r"."):
            contents(damaged)


def test_the_contents_of_a_bomb_come_in_parts() -> None:
    parts = unzstd(packed(bytes(64 << 20)))
    assert parts is not None
    assert max(len(part) for part in parts) <= 1 << 17


def test_damaged_bytes_never_give_other_contents() -> None:
    chance = random.Random(2)
    raw = chance.randbytes(2000) + bytes(3000)
    frame = packed(raw)
    for _ in range(300):
        damaged = bytearray(frame)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        try:
            found = contents(bytes(damaged))
        except ValueError:
            continue
        assert found == raw
