"""Checks and reads partition tables of images with libparted, through pyparted.

It reads back each GPT that we wrote, and has to find the same table; it also reads tables that are not GPT. libparted
opens a device for writing even to read it (`linux_open`, libparted/arch/linux.c), and udevd makes the kernel read the
table again when a writer closes a device. So libparted is used on image files and on our own loop devices, never on a
device of the running machine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from provision.failures import Failure
from provision.planning.machine_view import PartitionEntry, PartitionTable

REMEDY = "install python3-parted, or `pip install 'firstboot-provision[machine]'`"

_KINDS = {"msdos": "dos", "dvh": "sgi", "loop": ""}
"""libparted's name for a kind of table -> the name in blkid(8); empty for a file system and no table."""

_SECTOR_SIZE = "PARTED_SECTOR_SIZE"
"""The variable that tells libparted the sector size of an image file (`init_file`, libparted/arch/linux.c)."""

_DISK_ID = slice(440, 444)
"""The bytes of an MBR with the disk identifier, from which the PARTUUIDs of its partitions are made."""

_one_at_a_time = threading.Lock()
"""Only one thread may use libparted at a time, because it keeps a list of devices for the whole process."""


class _SeenPartition(NamedTuple):
    """A partition for the comparison: first sector, number of sectors, name."""

    start: int
    size: int
    name: str

    @classmethod
    def of(cls, partition: Any) -> _SeenPartition:
        return cls(partition.geometry.start, partition.geometry.length, _name(partition))

    def __str__(self) -> str:
        return f"of {self.size} sectors from sector {self.start}, named {self.name!r}"


class TablesDiffer(Failure):
    """libparted reads another table than the one that was written."""


def is_installed() -> bool:
    """Whether pyparted is there."""
    from importlib.util import find_spec

    return find_spec("parted") is not None


def check(path: str, wanted: PartitionTable) -> None:
    """Read back with libparted a GPT that was written to an image or to a loop device of ours.

    Sector size and partitions (numbers, first sectors, sizes, names) have to be the same; else raises TablesDiffer.
    Without pyparted nothing is checked.
    """
    if not is_installed():
        return
    with _disk(path, wanted.sector) as disk:
        kind, sector = _kind(disk), disk.device.sectorSize if disk else wanted.sector
        seen = {one.number: _SeenPartition.of(one) for one in disk.partitions} if disk else {}
    expected = {one.number: _SeenPartition(one.start, one.size, one.label) for one in wanted.partitions}
    wrong = ""
    if (kind, sector) != (wanted.kind, wanted.sector):
        wrong = f"{kind or 'no table'} with sectors of {sector} bytes, not {wanted.kind} of {wanted.sector}"
    for number in sorted({*seen, *expected}):
        if not wrong and not _agree(seen.get(number), expected.get(number)):
            wrong = f"partition {number} {seen.get(number, 'absent')}, not {expected.get(number, 'absent')}"
    if wrong:
        hint = "the image or its file system may be damaged; if it happens again, report it as a bug"
        raise TablesDiffer(f"{path}: libparted sees {wrong}", hint=hint)


def read(path: str, sector: int) -> PartitionTable:
    """The table on an image file without a GPT, in sectors of `sector` bytes; kind "" if there is none."""
    with _disk(path, sector) as disk:
        kind = _kind(disk)
        if not kind:
            return PartitionTable("", sector=sector)
        identity = _disk_id(path) if kind == "dos" else ""
        partitions = tuple(
            PartitionEntry(
                one.number,
                one.geometry.start,
                one.geometry.length,
                type=_type(one, kind),
                guid=f"{identity}-{one.number:02x}" if identity else "",
                label=_name(one),
            )
            for one in disk.partitions
        )
        return PartitionTable(kind, f"0x{identity}" if identity else "", disk.device.sectorSize, partitions=partitions)


@contextmanager
def _disk(path: str, sector: int) -> Iterator[Any]:
    """The table that libparted reads (parted.Disk), or None if it finds none."""
    import parted

    with _one_at_a_time:
        os.environ[_SECTOR_SIZE] = str(sector)
        try:
            device = parted.getDevice(path)
        finally:
            del os.environ[_SECTOR_SIZE]
        try:
            try:
                disk = parted.newDisk(device)
            except (parted.DiskException, parted.IOException):
                disk = None
            yield disk
        finally:
            device.removeFromCache()


def _kind(disk: Any) -> str:
    return _KINDS.get(disk.type, disk.type) if disk else ""


def _name(partition: Any) -> str:
    """Empty where this kind of table has no names."""
    import parted

    try:
        return partition.name or ""
    except parted.PartitionException:
        return ""


def _type(partition: Any, kind: str) -> str:
    """The type in hexadecimal, as in sfdisk(8); empty for libparted up to 3.5, which does not give it."""
    try:
        return f"{partition.type_id:x}" if kind == "dos" else ""
    except (AttributeError, NotImplementedError):
        return ""


def _disk_id(path: str) -> str:
    with open(path, "rb") as file:
        return file.read(512)[_DISK_ID][::-1].hex()


def _agree(seen: _SeenPartition | None, expected: _SeenPartition | None) -> bool:
    """Whether both are the same partition. libparted gives no name if the locale cannot represent it."""
    if seen is not None and expected is not None and not seen.name and not expected.name.isascii():
        seen = seen._replace(name=expected.name)
    return seen == expected
