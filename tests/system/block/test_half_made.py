from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.system.block.half_made import is_half_made

MIB = 1 << 20

SUPERBLOCKS = {"ext4": (1024, 1024), "btrfs": (64 << 10, 4096)}
"""Start and size in bytes."""


def made(folder: Path, kind: str, *options: str) -> str:
    path = str(folder / "disk.img")
    with open(path, "wb") as image:
        image.truncate(320 * MIB)
    subprocess.run([f"mkfs.{kind}", *options, path], check=True, capture_output=True)
    return path


def overwrite(path: str, place: int, data: bytes) -> None:
    with open(path, "r+b") as image:
        os.pwrite(image.fileno(), data, place)


@pytest.mark.parametrize("kind", SUPERBLOCKS)
def test_a_superblock_of_which_only_the_first_half_is_there(tmp_path: Path, kind: str) -> None:
    path = made(tmp_path, kind)
    assert not is_half_made(path, 0, kind)
    start, size = SUPERBLOCKS[kind]
    overwrite(path, start + size // 2, bytes(size // 2))
    assert is_half_made(path, 0, kind)


@pytest.mark.parametrize(
    ("kind", "options"), [("ext4", ("-O", "^metadata_csum")), ("ext2", ()), ("btrfs", ("--csum", "sha256"))]
)
def test_a_superblock_without_a_checksum_that_is_known(tmp_path: Path, kind: str, options: tuple[str, ...]) -> None:
    assert not is_half_made(made(tmp_path, kind, *options), 0, kind)


def test_xfs_that_mkfs_had_not_finished(tmp_path: Path) -> None:
    path = made(tmp_path, "xfs")
    assert not is_half_made(path, 0, "xfs")
    overwrite(path, 126, b"\1")
    assert is_half_made(path, 0, "xfs")


def test_fat_without_its_second_table(tmp_path: Path) -> None:
    path = made(tmp_path, "fat", "-F", "32")
    assert not is_half_made(path, 0, "vfat")
    with open(path, "rb") as image:
        head = image.read(512)
    first, size = int.from_bytes(head[14:16], "little"), int.from_bytes(head[36:40], "little")
    overwrite(path, (first + size) * 512, bytes(512))
    assert is_half_made(path, 0, "vfat")
