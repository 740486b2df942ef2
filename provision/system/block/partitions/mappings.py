"""Partitions of a device-mapper disk: each is a linear mapping, named `<disk>p<number>` if we make it.

udev's rules make them too, by kpartx(8), with names that depend on the distribution (`-part1`, `p1`, `1`). kpartx
recognises its mappings by their UUID (`part1-<UUID of the disk>`); ours have the same. Names differ, so a mapping is
recognised by the number at the end of its name.
"""

from __future__ import annotations

from provision.failures import Failure
from provision.planning.device_names import BY_MAPPING
from provision.planning.machine_view import PartitionTable
from provision.system.block import sysfs
from provision.system.programs import processes

_DELIMITERS = ("-part", "p", "")


class MappingFailed(Failure):
    """dmsetup failed; the message is its output."""


def follow(disk: sysfs.Block, table: PartitionTable) -> list[str]:
    """Make, change and remove mappings until they match a table; returns their nodes. Raises MappingFailed."""
    lines = _lines(disk, table)
    known = partitions(disk)
    for number, block in known.items():
        if number not in lines:
            _dmsetup("remove", "--retry", block.mapper)  # udev may be reading it
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
    """The partition for a name of the form `dm-name-<disk>p<number>`, whatever name its mapping has; None if none."""
    disk, _, number = name.removeprefix(BY_MAPPING).rpartition("p")
    if not name.startswith(BY_MAPPING) or not number.isdecimal():
        return None
    block = sysfs.find(f"/dev/mapper/{disk}")
    return partitions(block).get(int(number)) if block else None


def _number(disk: str, name: str) -> int:
    """The number of the partition; 0 for another mapping."""
    rest = next((name.removeprefix(disk + one) for one in _DELIMITERS if name.startswith(disk + one)), "")
    return int(rest) if rest.isdecimal() else 0


def _lines(disk: sysfs.Block, table: PartitionTable) -> dict[int, str]:
    """The device-mapper table of each partition, as dmsetup(8) prints it: start, sectors, target, device, offset."""
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
