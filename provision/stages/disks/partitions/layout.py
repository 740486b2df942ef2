"""Where partitions go: the arithmetic of free space on a GPT, to the sector as sgdisk does it.

Source: GPT fdisk 1.0.9, `gpt.cc` (ComputeAlignment, FindFirstInLargest, Align, CreatePartition) and `gptcl.cc` (`-n`);
the tests compare it with `sgdisk --pretend --info`. All numbers are logical sectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from provision.planning.machine_view import Device, PartitionEntry, PartitionTable

ENTRY = 128
"""Bytes of an entry of a GPT."""

MEBIBYTE = 1 << 20
PHYSICAL_SECTOR = 4096
"""Bytes that most disks write at once, also those that show sectors of 512 bytes (queue/physical_block_size)."""
PHYSICAL_SECTORS = 8
"""The least alignment on large disks (they are taken to have 4096-byte physical sectors)."""
LARGE_DISK = 585_937_500
"""Number of sectors from which a disk counts as large."""


class Extent(NamedTuple):
    """Sectors from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many sectors."""
        return self.last - self.first + 1


class UsableSpace(NamedTuple):
    """The sectors that partitions may use, and the multiple at which they begin."""

    first: int
    last: int
    alignment: int


def blank_table(device: Device, guid: str) -> PartitionTable:
    """An empty GPT over the whole device: protective MBR, header and entries at the start, entries and header at the
    end.
    """
    table = PartitionTable("gpt", guid, device.sector)
    return table._replace(first=2 + _sectors_of_entries(table), last=_last_usable(table, device))


def over_whole_device(table: PartitionTable, device: Device) -> PartitionTable:
    """The same table with its end moved to the end of a device that has grown; other tables stay as they are."""
    last = _last_usable(table, device) if table.kind == "gpt" else 0
    return table._replace(last=last) if last > table.last else table


def _last_usable(table: PartitionTable, device: Device) -> int:
    """The last sector in front of the table's copy, which has its entries and then its header at the very end."""
    return device.size // device.sector - 2 - _sectors_of_entries(table)


def _sectors_of_entries(table: PartitionTable) -> int:
    return -(-table.entries * ENTRY // table.sector)


def extent(partition: PartitionEntry) -> Extent:
    """The sectors of a partition."""
    return Extent(partition.start, partition.start + partition.size - 1)


def space(table: PartitionTable, sectors: int) -> UsableSpace:
    """The usable space of a table on a disk of that many sectors.

    Partitions are aligned to 1 MiB, or to the largest power of two that all present partitions keep.
    """
    alignment = MEBIBYTE // table.sector
    while alignment > 1 and any(partition.start % alignment for partition in table.partitions):
        alignment //= 2
    if sectors >= LARGE_DISK:
        alignment = max(alignment, PHYSICAL_SECTORS)
    return UsableSpace(table.first, table.last, alignment)


def is_aligned(start: int, sector: int) -> bool:
    """Whether a partition from the sector `start`, of `sector` bytes, begins at a physical sector of most disks."""
    return start * sector % PHYSICAL_SECTOR == 0


def free_blocks(space: UsableSpace, taken: Iterable[Extent]) -> Iterator[Extent]:
    """The free blocks between taken ones, from the beginning of the disk."""
    position = space.first
    for block in sorted(taken):
        if position < block.first <= space.last:
            yield Extent(position, block.first - 1)
        position = max(position, block.last + 1)
    if position <= space.last:
        yield Extent(position, space.last)


def place(space: UsableSpace, taken: Iterable[Extent], start: int, size: int) -> Extent | None:
    """Where a partition goes, in sectors; None if it does not fit.

    Start 0 is the aligned beginning of the largest free block. Size 0 reaches to the end of that block, wherever the
    partition starts.
    """
    blocks = tuple(free_blocks(space, taken))
    largest = max(blocks, key=lambda block: block.size, default=None)
    if largest is None:
        return None
    first = start or _aligned(largest, space.alignment)
    last = first + size - 1 if size else largest.last
    fits = any(block.first <= first <= last <= block.last for block in blocks)
    return Extent(first, last) if fits else None


def _aligned(block: Extent, alignment: int) -> int:
    """The first aligned sector of a block, or simply its first if there is none."""
    aligned = -(-block.first // alignment) * alignment
    return aligned if aligned <= block.last else block.first
