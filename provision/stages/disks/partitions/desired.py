"""What the config asks for on a disk, in sectors: the final number, start and size of every partition."""

from __future__ import annotations

from typing import NamedTuple

from provision.config.format import Disk, Partition
from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.planning.descriptions import called
from provision.planning.machine_view import UNPROTECTED, Device, MachineView, PartitionEntry, PartitionTable
from provision.planning.uuids import chosen_uuid
from provision.stages.disks.partitions import layout


class DesiredPartition(NamedTuple):
    """A partition as the config asks for it, in sectors. `start` and `size` that are None, and empty texts, are left
    open.
    """

    config_path: Path
    number: int
    start: int | None
    size: int | None
    label: str | None
    guid: str
    type: str
    exists: bool
    resize: bool
    replace: bool
    chosen: str


class DesiredDisk(NamedTuple):
    """A disk of the config with what is on it; `table` is what to start from (blank where there is none)."""

    config_path: Path
    name: str
    device: Device
    erase: bool
    found: PartitionTable
    table: PartitionTable
    desired_entries: tuple[DesiredPartition, ...]


def disk_of(config_path: Path, entry: Disk, device: Device, view: MachineView) -> DesiredDisk:
    """A disk of the config with what is on it, its partitions in the order in which they are placed."""
    found = view.table(device.name)
    guid = chosen_uuid(view, "disk", entry.device).upper()
    ours = found.kind == UNPROTECTED and found.guid == guid  # an earlier run was stopped while it wrote the table
    fresh = bool(entry.wipe_table) or not found.kind or ours
    table = layout.blank_table(device, guid) if fresh else layout.over_whole_device(found, device)
    numbered_first = sorted(enumerate(entry.partitions), key=lambda one: one[1].number == 0)
    desired_entries = tuple(
        _partition_of((*config_path, "partitions", index), partition, entry.device, table, view)
        for index, partition in numbered_first
    )
    return DesiredDisk(config_path, entry.device, device, bool(entry.wipe_table), found, table, desired_entries)


def _partition_of(
    config_path: Path, wanted: Partition, disk: str, table: PartitionTable, view: MachineView
) -> DesiredPartition:
    sectors = layout.MEBIBYTE // table.sector
    guid = (wanted.guid or "").upper()
    chosen = guid or chosen_uuid(view, "partition", f"{disk}:{wanted.number}:{wanted.label}").upper()
    start = wanted.start_sectors if wanted.start_mib is None else wanted.start_mib * sectors
    size = wanted.size_sectors if wanted.size_mib is None else wanted.size_mib * sectors
    ours = None if wanted.number else next((one for one in table.partitions if one.guid == chosen), None)
    if ours is not None:  # made by an earlier run: what was left open is decided
        start, size = start or ours.start, size or ours.size
    return DesiredPartition(
        config_path=config_path,
        number=ours.number if ours else wanted.number,
        start=start,
        size=size,
        label=wanted.label,
        guid=guid,
        type=(wanted.type_guid or "").upper(),
        exists=wanted.should_exist is not False,
        resize=bool(wanted.resize),
        replace=bool(wanted.wipe_partition_entry),
        chosen=chosen,
    )


def resolve_partitions(disk: DesiredDisk) -> list[DesiredPartition]:
    """Every partition with its number, start and size filled in, as if all were created one after the other on a blank
    disk. Raises PlanRefused if one of them has no space.
    """
    before = _numbered(disk.table)
    asked = {desired.number for desired in disk.desired_entries if desired.number}
    taken = [layout.extent(partition) for number, partition in before.items() if number not in asked]
    # partitions of an earlier run must not change the alignment
    mine = {desired.chosen for desired in disk.desired_entries if not desired.guid}
    others = tuple(partition for partition in disk.table.partitions if partition.guid not in mine)
    space = layout.space(disk.table._replace(partitions=others), disk.device.size // disk.table.sector)
    used = (set(before) - asked) | {desired.number for desired in disk.desired_entries if desired.exists}
    resolved = []
    for desired in disk.desired_entries:
        if not desired.exists:
            resolved.append(desired)
            continue
        stays = desired.number in before and not (desired.resize or desired.replace)
        # a disk may have grown; what keeps its size is compared with the end that the table has had so far
        reach = space._replace(last=disk.found.last) if stays else space
        placed = _place(desired, before.get(desired.number), reach, taken)
        taken.append(placed)
        number = desired.number or next(free for free in range(1, len(used) + 2) if free not in used)
        used.add(number)
        if number > disk.table.entries:
            last = f"the last one is {disk.table.entries}"
            problem = Problem(
                desired.config_path,
                f"the table of {disk.name} has no partition {number}, {last}",
                rule="partition-number",
            )
            raise PlanRefused([problem])
        resolved.append(desired._replace(number=number, start=placed.first, size=placed.size))
    return resolved


def _numbered(table: PartitionTable) -> dict[int, PartitionEntry]:
    return {partition.number: partition for partition in table.partitions}


def _place(
    desired: DesiredPartition, before: PartitionEntry | None, space: layout.UsableSpace, taken: list[layout.Extent]
) -> layout.Extent:
    """Where the partition goes. What the config leaves open stays as it is; for a new or replaced partition it is 0."""
    keeps = before is not None and not desired.replace
    start = before.start if before and keeps and desired.start is None else desired.start or 0
    size = before.size if before and keeps and desired.size is None else desired.size or 0
    placed = layout.place(space, taken, start, size)
    if placed is None:
        room = _room(list(layout.free_blocks(space, taken)), start)
        wanted = f"{size} sectors" if size else "the end of the largest free block"
        begin = f"sector {start}" if start else "the largest free block"
        message = (
            f"could not create {called(desired.number, desired.label)}: from {begin} there is no room for {wanted}"
        )
        raise PlanRefused([Problem(desired.config_path, f"{message} ({room})", rule="partition-space")])
    return placed


def _room(blocks: list[layout.Extent], start: int) -> str:
    if not start:
        return f"the largest free block has {max((block.size for block in blocks), default=0)} sectors"
    free = next((block.last - start + 1 for block in blocks if block.first <= start <= block.last), 0)
    return f"{free} sectors are free there"
