"""Tells the kernel about partitions one by one (BLKPG, <linux/blkpg.h>).

Unlike BLKRRPART this works while other partitions of the disk are in use, and the kernel needs no parser for the table.
Device-mapper disks have no partitions of their own: `mappings` makes a mapping for each.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import struct
import time

from provision.failures import Failure
from provision.planning.machine_view import PartitionTable
from provision.system.block import sysfs
from provision.system.block.partitions import mappings

_BLKPG = 0x1269
_ADD, _DELETE, _RESIZE = 1, 2, 3
_PATIENCE = 2.0
"""Seconds to wait until programs that only look at a partition have closed it."""

_PARTITION = struct.Struct("=qqi64s64s4x")
_ARGUMENT = struct.Struct("@iiiP")


class KernelFailed(Failure):
    """The kernel has other partitions than the table; the message says which."""


def follow(disk: sysfs.Block, table: PartitionTable) -> list[str]:
    """Give the kernel the partitions of a table; returns the nodes of all of them.

    udev has to process each of them again, because it makes links from GUIDs and labels, which the kernel does not
    know. Raises OSError (EBUSY for a partition in use), KernelFailed.
    """
    if disk.mapper:
        return mappings.follow(disk, table)
    wanted = {one.number: (one.start * table.sector, one.size * table.sector) for one in table.partitions}
    known = {number: (block.start, block.size) for number, block in sysfs.partitions(disk).items()}
    fd = os.open(disk.node, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for operation, number, start, size in _changes(known, wanted):
            _blkpg(fd, operation, number, start, size)
    finally:
        os.close(fd)
    _verify(disk, wanted)
    return [block.node for block in sysfs.partitions(disk).values()]


def _changes(known: dict[int, tuple[int, int]], wanted: dict[int, tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """The operations, in an order in which no two partitions overlap at any time."""
    kept = {number for number, (start, _) in known.items() if wanted.get(number, (-1,))[0] == start}
    deleted = [(_DELETE, number, 0, 0) for number in known if number not in kept]
    resized = [(_RESIZE, number, *wanted[number]) for number in kept if wanted[number] != known[number]]
    resized.sort(key=lambda one: one[3] > known[one[1]][1])
    return [*deleted, *resized, *((_ADD, number, *where) for number, where in wanted.items() if number not in kept)]


def _blkpg(fd: int, operation: int, number: int, start: int, size: int) -> None:
    partition = array.array("b", _PARTITION.pack(start, size, number, b"", b""))
    address, length = partition.buffer_info()
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.ioctl(fd, _BLKPG, _ARGUMENT.pack(operation, 0, length, address))
        except OSError as error:
            if error.errno != errno.EBUSY or operation == _ADD or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _verify(disk: sysfs.Block, wanted: dict[int, tuple[int, int]]) -> None:
    found = {number: (block.start, block.size) for number, block in sysfs.partitions(disk).items()}
    for number in sorted({*wanted, *found}):
        if wanted.get(number) != found.get(number):
            raise KernelFailed(
                f"partition {number} of {disk.node} should be at {_text(wanted.get(number))}, "
                f"the kernel has it at {_text(found.get(number))}"
            )


def _text(where: tuple[int, int] | None) -> str:
    return f"byte {where[0]} with {where[1]} bytes" if where else "no place"
