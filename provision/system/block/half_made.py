"""Whether the program that made a file system was interrupted: blkid reports such a file system as if it were whole."""

from __future__ import annotations

import os
import time
from functools import cache

_LOOKS = 5
_PAUSE = 0.02
"""Seconds between two looks: a kernel that has the file system mounted writes a superblock and its checksum."""

_CASTAGNOLI = 0x82F63B78
"""The polynomial of CRC-32C (RFC 3720, 12.1), bits reversed."""

_SECTOR = 512

_EXT_START, _EXT_SIZE = 1024, 1024
_EXT_CHECKSUM = 1020
_EXT_READ_ONLY_FEATURES = 100
_EXT_METADATA_CSUM = 0x400

_BTRFS_START, _BTRFS_SIZE = 64 << 10, 4096
_BTRFS_CHECKSUM_TYPE = 196
_BTRFS_CHECKSUM = 32
"""Bytes at the start of the superblock that are for its checksum, which is of the rest."""


def is_half_made(path: str, offset: int, kind: str) -> bool:
    """Whether the file system of type `kind` at `offset` bytes of a device or image is not whole. Raises OSError.

    xfs has a flag for it, and FAT tables without content show it. The superblocks of ext4 and btrfs are written last,
    but have several sectors: a power cut can leave the first without the others, so the checksum is wrong.
    """
    check = {"xfs": _xfs, "vfat": _fat, "ext4": _ext4, "btrfs": _btrfs}.get(kind)
    if check is None:
        return False
    with open(path, "rb", buffering=0) as device:
        for look in range(_LOOKS):
            if not check(device.fileno(), offset):
                return False
            if look + 1 < _LOOKS:
                time.sleep(_PAUSE)
    return True


def _xfs(device: int, offset: int) -> bool:
    """`sb_inprogress` of xfs_dsb in Linux fs/xfs/libxfs/xfs_format.h."""
    return os.pread(device, _SECTOR, offset)[126] != 0


def _fat(device: int, offset: int) -> bool:
    """mkfs.fat writes the boot sector, then the tables; a complete table begins with the boot sector's media byte."""
    head = os.pread(device, _SECTOR, offset)
    size = int.from_bytes(head[22:24], "little") or int.from_bytes(head[36:40], "little")
    first = int.from_bytes(head[14:16], "little")
    sector = int.from_bytes(head[11:13], "little")
    starts = (offset + (first + number * size) * sector for number in range(head[16]))
    return any(os.pread(device, 1, start) != head[21:22] for start in starts)


def _ext4(device: int, offset: int) -> bool:
    """The checksum of the superblock, if there is one (struct ext4_super_block, Linux fs/ext4/ext4.h)."""
    block = os.pread(device, _EXT_SIZE, offset + _EXT_START)
    features = int.from_bytes(block[_EXT_READ_ONLY_FEATURES : _EXT_READ_ONLY_FEATURES + 4], "little")
    written = int.from_bytes(block[_EXT_CHECKSUM:], "little")
    return bool(features & _EXT_METADATA_CSUM) and _crc32c(block[:_EXT_CHECKSUM]) != written


def _btrfs(device: int, offset: int) -> bool:
    """The checksum of the superblock, if it is a CRC-32C (struct btrfs_super_block, Linux fs/btrfs/ctree.h)."""
    block = os.pread(device, _BTRFS_SIZE, offset + _BTRFS_START)
    if block[_BTRFS_CHECKSUM_TYPE : _BTRFS_CHECKSUM_TYPE + 2] != bytes(2):
        return False
    return _crc32c(block[_BTRFS_CHECKSUM:]) ^ 0xFFFFFFFF != int.from_bytes(block[:4], "little")


def _crc32c(data: bytes) -> int:
    """CRC-32C of some bytes, without the inversion at the end."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc


@cache
def _table() -> tuple[int, ...]:
    return tuple(map(_entry, range(256)))


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)
    return byte
