"""Partition tables: `gpt` reads and writes GPT; libparted or libblkid reads all other kinds."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from provision.failures import Failure
from provision.planning.machine_view import UNPROTECTED, PartitionTable
from provision.system.block.partitions import gpt, libparted, md

LOCK_SECONDS = 30.0

_ZEROED = 34
"""Sectors of protective MBR, header and entries at the start of a disk. The copy at its end has one sector less."""

_LOOKED_AT = 1 << 16
"""Tables of every kind that libblkid knows begin in the first 64 KiB."""


class TableFailed(Failure):
    """A table could not be read, or its disk could not be locked; the message says why."""


def read(path: str, size: int, sector: int) -> PartitionTable:
    """The table on a device or image of `size` bytes. Raises OSError, TableFailed."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        table = gpt.read(fd, size, sector)
        if table is not None:
            return table
        if any(os.pread(fd, _LOOKED_AT, 0)):
            table = _read_foreign(path, fd, sector)
            if table.kind:
                return table
        unprotected = gpt.read_unprotected(fd, size, sector)
        if unprotected:
            return unprotected._replace(kind=UNPROTECTED)
        return PartitionTable("", sector=sector, remains=gpt.has_remains(fd, size, sector))
    finally:
        os.close(fd)


def _read_foreign(path: str, fd: int, sector: int) -> PartitionTable:
    """A table that is not GPT: by libparted from an image, by libblkid, which only reads, from a device.

    libblkid also reads tables that libparted refuses (a partition after the end of the disk).
    """
    if os.path.isfile(path) and libparted.is_installed():
        table = libparted.read(path, sector)
        if table.kind:
            return table
    from provision.system.block.partitions import libblkid

    return libblkid.read(fd, sector)


def write(path: str, table: PartitionTable, *, size: int, erase: bool, clear: Sequence[int] = ()) -> None:
    """Write a whole table to a device of `size` bytes. The caller holds the lock.

    With `erase` both copies of an old table are erased first; if `table` has no kind, none is written. md superblocks
    in the partitions of `clear` (numbers) are erased before the kernel can see them. Raises OSError.
    """
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        for one in table.partitions:
            if one.number in clear:
                md.erase(fd, one.start * table.sector, one.size * table.sector)
        if erase:
            _erase(fd, size, table.sector)
        if table.kind:
            gpt.write(fd, table, size)
    finally:
        os.close(fd)


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Lock a disk during the block, so that udev does not read it while it changes. Raises TableFailed.

    Source: https://systemd.io/BLOCK_DEVICE_LOCKING (flock(2) on the node of the disk).
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(fd, path)
        yield
    finally:
        os.close(fd)


def _lock(fd: int, path: str) -> None:
    """Try to lock for LOCK_SECONDS; the kernel has no event for a lock that becomes free. Raises TableFailed."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise TableFailed(f"another program keeps {path} locked, for {LOCK_SECONDS:g} s already") from error
            time.sleep(0.005)
        else:
            return


def _erase(fd: int, size: int, sector: int) -> None:
    last = (_ZEROED - 1) * sector
    os.pwrite(fd, bytes(_ZEROED * sector), 0)
    os.pwrite(fd, bytes(last), size // sector * sector - last)
    os.fsync(fd)
