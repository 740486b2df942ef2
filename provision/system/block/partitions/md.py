"""Erases the superblocks by which md recognises members of arrays.

Source: Linux drivers/md/md.c (`super_90_load`, `super_1_load`) and include/uapi/linux/raid/md_p.h.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

_MAGIC = 0xA92B4EFC
_MAGICS = {_MAGIC.to_bytes(4, "little"), _MAGIC.to_bytes(4, "big")}
"""Format 1 is little-endian, 0.90 has the byte order of the machine that made it."""

_SIZE = 4096
"""Bytes of a superblock."""

_RESERVED = 64 << 10
"""Format 0.90 begins at the last multiple of this that leaves as much room behind it."""


def erase(fd: int, start: int, size: int) -> None:
    """Erase the superblocks of a member that has `size` bytes of a device from `start`. Raises OSError."""
    for offset in _offsets(size):
        if os.pread(fd, 4, start + offset) in _MAGICS:
            os.pwrite(fd, bytes(_SIZE), start + offset)


def _offsets(size: int) -> Iterator[int]:
    """Where the superblock begins, for the formats 1.1, 1.2, 1.0 and 0.90."""
    ends = (size - 2 * _SIZE) // _SIZE * _SIZE, size // _RESERVED * _RESERVED - _RESERVED
    yield from (offset for offset in (0, _SIZE, *ends) if 0 <= offset <= size - _SIZE)
