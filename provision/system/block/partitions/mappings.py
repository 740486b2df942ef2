"""Partitions of a device-mapper disk: one linear mapping for each, `<disk>p<number>` if we make it.

kpartx(8) makes them too, from udev's rules, under a name of the distribution's choice (`-part1`, `p1`, `1`), and takes
one with its UUID (`part1-<UUID of the disk>`) for its own; so ours have that UUID, and they are told by their numbers.
"""

from __future__ import annotations

from provision.failures import Failure
from provision.planning.device_names import BY_MAPPING
from provision.planning.machine_view import PartitionTable
from provision.system import processes
from provision.system.block import sysfs

_DELIMITERS = ("-part", "p", "")


class MappingFailed(Failure):
    """dmsetup refused; the message is what it said."""


def follow(disk: sysfs.Block, table: PartitionTable) -> list[str]:
    """Make the mappings those of the table; tells the nodes of those that came or changed. Raises MappingFailed."""
    lines = _lines(disk, table)
    known = partitions(disk)
    for number, block in known.items():
        if number not in lines:
            _dmsetup("remove", block.mapper)
        elif _dmsetup("table", block.mapper) != lines[number]:
            _dmsetup("reload", block.mapper, "--table", lines[number])
            _dmsetup("resume", block.mapper)
    for number in lines:
        if number not in known:
            _dmsetup("create", f"{disk.mapper}p{number}", *_uuid(disk, number), "--table", lines[number])
    return [block.node for number, block in partitions(disk).items() if number in lines]


def partitions(disk: sysfs.Block) -> dict[int, sysfs.Block]:
    """The mappings that are partitions of this disk, by number."""
    numbered = ((_number(disk.mapper, block.mapper), block) for block in sysfs.holders(disk))
    return {number: block for number, block in numbered if number}


def find(name: str) -> sysfs.Block | None:
    """The partition that a name of the form `dm-name-<disk>p<number>` stands for, whatever its mapping is called."""
    disk, _, number = name.removeprefix(BY_MAPPING).rpartition("p")
    if not name.startswith(BY_MAPPING) or not number.isdecimal():
        return None
    block = sysfs.find(f"/dev/mapper/{disk}")
    return partitions(block).get(int(number)) if block else None


def _number(disk: str, name: str) -> int:
    """0 for a mapping that is something else."""
    rest = next((name.removeprefix(disk + one) for one in _DELIMITERS if name.startswith(disk + one)), "")
    return int(rest) if rest.isdecimal() else 0


def _lines(disk: sysfs.Block, table: PartitionTable) -> dict[int, str]:
    """As dmsetup shows them: first sector and number of sectors of the mapping, target, device and its first sector."""
    units = table.sector // sysfs.UNIT
    number = sysfs.read(disk.path, "dev")
    return {one.number: f"0 {one.size * units} linear {number} {one.start * units}" for one in table.partitions}


def _uuid(disk: sysfs.Block, number: int) -> list[str]:
    uuid = sysfs.read(disk.path, "dm/uuid")
    return ["--uuid", f"part{number}-{uuid}"] if uuid else []


def _dmsetup(*argv: str) -> str:
    done = processes.run(["dmsetup", *argv])
    if done.status != 0:
        raise MappingFailed(done.last_lines)
    return done.output.strip()
