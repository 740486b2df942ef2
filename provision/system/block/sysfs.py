"""Block devices of the running kernel (/sys/dev/block, Documentation/ABI/stable/sysfs-block)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from provision.system import mount_table

UNIT = 512
"""Bytes in a unit of `size` and `start` below /sys, whatever the sector size of the device is."""


class Block(NamedTuple):
    """A block device: its directory below /sys, and the kernel's name of its node (`/dev/vda1`)."""

    path: str
    node: str

    @property
    def size(self) -> int:
        """Bytes."""
        return int(read(self.path, "size") or 0) * UNIT

    @property
    def start(self) -> int:
        """Bytes before a partition on its disk."""
        return int(read(self.path, "start") or 0) * UNIT

    @property
    def sector(self) -> int:
        """The logical sector size in bytes; a partition has that of its disk."""
        return int(read(self.path, "queue/logical_block_size") or read(self.path, "../queue/logical_block_size") or 512)

    @property
    def is_read_only(self) -> bool:
        """Whether it is read-only; a partition is so if its disk is."""
        return read(self.path, "ro") == "1"

    @property
    def mapper(self) -> str:
        """The name of a device-mapper device, or empty."""
        return read(self.path, "dm/name")

    @property
    def backing_file(self) -> str:
        """The path of the file that a loop device shows, or empty."""
        return read(self.path, "loop/backing_file")

    @property
    def is_partition(self) -> bool:
        """Whether it is part of a disk."""
        return os.path.exists(f"{self.path}/partition")


def find(name: str) -> Block | None:
    """The device of a node, or of a link to a node; None if there is none."""
    try:
        found = os.stat(name)
    except OSError:
        return None
    return numbered(f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}") if stat.S_ISBLK(found.st_mode) else None


def numbered(number: str) -> Block | None:
    """The device with that `major:minor`."""
    path = _resolved(f"/sys/dev/block/{number}")
    for line in read(path, "uevent").splitlines():
        key, _, value = line.partition("=")
        if key == "DEVNAME":
            return Block(path, f"/dev/{value}")
    return None


def named(name: str) -> Block | None:
    """The device with that name in the kernel (`md127p1`)."""
    number = read(f"/sys/class/block/{name}", "dev")
    return numbered(number) if number else None


def every() -> Iterator[Block]:
    """All block devices of a size above 0, disks before their partitions."""
    for name in sorted(_names("/sys/class/block")):
        block = named(name)
        if block is not None and block.size:
            yield block


def partitions(disk: Block) -> dict[int, Block]:
    """The partitions of a disk that the kernel knows, by number."""
    found = {}
    for name in _names(disk.path):
        number = read(f"{disk.path}/{name}", "partition")
        block = numbered(read(f"{disk.path}/{name}", "dev")) if number else None
        if block is not None:
            found[int(number)] = block
    return found


def holders(block: Block) -> list[Block]:
    """The devices that are built on this one (device mapper, md)."""
    return _linked(block, "holders")


def slaves(block: Block) -> list[Block]:
    """The devices that this one is built on; for a partition its disk."""
    if block.is_partition:
        disk = numbered(read(os.path.dirname(block.path), "dev"))
        return [disk] if disk else []
    return _linked(block, "slaves")


def opened_as(block: Block) -> str:
    """The name under which a LUKS volume is open, or empty (cryptsetup gives its mapping a UUID `CRYPT-...`)."""
    crypt = (holder for holder in holders(block) if read(holder.path, "dm/uuid").startswith("CRYPT-"))
    return next((holder.mapper for holder in crypt), "")


def used_by(*blocks: Block) -> str:
    """Why one of these devices may not be written (mounted, used as swap, below another device); empty if they may."""
    for block in blocks:
        above = holders(block)
        if above:
            return f"{block.node} is held by {above[0].mapper or above[0].node}"
    return mounted(*blocks)


def mounted(*blocks: Block) -> str:
    """Words that say where one of these devices is mounted, or that it is used as swap; empty if neither."""
    nodes = {block.node for block in blocks}
    numbers = {read(block.path, "dev") for block in blocks}
    for entry in mount_table.entries():
        # btrfs has a number of its own in mountinfo, and mappings are mounted by their links
        if entry.number in numbers or (entry.source.startswith("/dev/") and _resolved(entry.source) in nodes):
            return f"{entry.source} is mounted at {entry.path}"
    swap = next((node for node in _swaps() if node in nodes), "")
    return f"{swap} is used as swap" if swap else ""


def read(folder: str, name: str) -> str:
    """An attribute without the line break at its end; empty if there is none."""
    with suppress(OSError), open(f"{folder}/{name}", "rb") as file:
        return os.fsdecode(file.read().rstrip(b"\n"))
    return ""


def _resolved(path: str) -> str:
    """The path without links, or as given if a link disappears at that moment (os.path.realpath raises then)."""
    with suppress(OSError):
        return os.path.realpath(path)
    return path


def _swaps() -> list[str]:
    lines = read("/proc", "swaps").splitlines()[1:]
    return [_resolved(line.split()[0]) for line in lines]


def _linked(block: Block, kind: str) -> list[Block]:
    found = (numbered(read(f"{block.path}/{kind}/{name}", "dev")) for name in _names(f"{block.path}/{kind}"))
    return [one for one in found if one is not None]


def _names(folder: str) -> list[str]:
    with suppress(OSError):
        return os.listdir(folder)
    return []
