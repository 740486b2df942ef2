"""The superblocks of md are erased, and nothing else. test_raid_and_luks tests it with md itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.system.block.partitions import md

KIB = 1024
START, SIZE = 1024 * KIB, 1000 * KIB + 512


@pytest.mark.parametrize("offset", [0, 4 * KIB, 992 * KIB, 896 * KIB], ids=["1.1", "1.2", "1.0", "0.90"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_a_superblock_is_erased(tmp_path: Path, offset: int, order: str) -> None:
    magic = (0xA92B4EFC).to_bytes(4, "little" if order == "little" else "big")
    left = after(tmp_path, magic, offset)
    assert left[: START + offset].strip(b"\xff") == b""
    assert left[START + offset :].rstrip(b"\xff") == bytes(4096)


def test_bytes_that_are_no_superblock_stay(tmp_path: Path) -> None:
    assert after(tmp_path, b"none", 4 * KIB)[START + 4 * KIB :].startswith(b"none\xff")


def test_a_partition_of_nearly_nothing(tmp_path: Path) -> None:
    assert after(tmp_path, b"none", 0, size=512)[START:].startswith(b"none\xff")


def after(folder: Path, magic: bytes, offset: int, size: int = SIZE) -> bytes:
    """The bytes of a disk full of ones, with the magic in a partition, after erasing."""
    disk = bytearray(b"\xff" * 2048 * KIB)
    disk[START + offset : START + offset + 4] = magic
    path = folder / "disk"
    path.write_bytes(disk)
    with path.open("rb+") as file:
        md.erase(file.fileno(), START, size)
    return path.read_bytes()
