"""What the config asks of a disk, in sectors: every partition with the number, start and size it has in the end."""

from __future__ import annotations

from typing import NamedTuple

from provision.config import format as config
from provision.planning.descriptions import called
from provision.planning.machine_view import UNPROTECTED, Device, Observe, Partition, Table
from provision.stages.disks.devices import chosen_uuid
from provision.stages.disks.partitions import layout


class PartitionAsk(NamedTuple):
    """A partition as the config asks for it, in sectors; `start` and `size` None, and empty texts, are left open."""

    where: str
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


class DiskAsk(NamedTuple):
    """A disk of the config with what is on it; `table` is what to start from (blank where there is none)."""

    where: str
    name: str
    device: Device
    erase: bool
    found: Table
    table: Table
    asks: tuple[PartitionAsk, ...]


class Impossible(Exception):
    """Why a partition cannot be had."""


def disk_of(where: str, entry: config.Disk, device: Device, observe: Observe) -> DiskAsk:
    """A disk of the config with what is on it, its partitions in the order in which they are placed."""
    found = observe.table(device.name)
    guid = chosen_uuid(observe, "disk", entry.device).upper()
    ours = found.kind == UNPROTECTED and found.guid == guid  # an earlier run did not get to the end of writing it
    fresh = bool(entry.wipe_table) or not found.kind or ours
    table = layout.blank_table(device, guid) if fresh else found
    numbered_first = sorted(enumerate(entry.partitions), key=lambda one: one[1].number == 0)
    asks = tuple(
        _ask(f"{where}.partitions[{index}]", partition, entry.device, table, observe)
        for index, partition in numbered_first
    )
    return DiskAsk(where, entry.device, device, bool(entry.wipe_table), found, table, asks)


def _ask(where: str, wanted: config.Partition, disk: str, table: Table, observe: Observe) -> PartitionAsk:
    sectors = layout.MEBIBYTE // table.sector
    guid = (wanted.guid or "").upper()
    chosen = guid or chosen_uuid(observe, "partition", f"{disk}:{wanted.number}:{wanted.label}").upper()
    start = None if wanted.start_mib is None else wanted.start_mib * sectors
    size = None if wanted.size_mib is None else wanted.size_mib * sectors
    ours = None if wanted.number else next((one for one in table.partitions if one.guid == chosen), None)
    if ours is not None:  # made by an earlier run: what was left open is decided
        start, size = start or ours.start, size or ours.size
    return PartitionAsk(
        where=where,
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


def resolve(disk: DiskAsk) -> list[PartitionAsk]:
    """Every ask with its number, start and size filled in, as if all of them were made anew one after the other."""
    before = {partition.number: partition for partition in disk.table.partitions}
    asked = {ask.number for ask in disk.asks if ask.number}
    taken = [layout.extent(partition) for number, partition in before.items() if number not in asked]
    mine = {ask.chosen for ask in disk.asks if not ask.guid}  # an earlier run's must not change the alignment
    others = tuple(partition for partition in disk.table.partitions if partition.guid not in mine)
    space = layout.space(disk.table._replace(partitions=others), disk.device.size // disk.table.sector)
    used = (set(before) - asked) | {ask.number for ask in disk.asks if ask.exists}
    resolved = []
    for ask in disk.asks:
        if not ask.exists:
            resolved.append(ask)
            continue
        placed = _place(ask, before.get(ask.number), space, taken)
        taken.append(placed)
        number = ask.number or next(free for free in range(1, len(used) + 2) if free not in used)
        used.add(number)
        if number > disk.table.entries:
            last = f"the last one is {disk.table.entries}"
            raise Impossible(f"{ask.where}: the table of {disk.name} has no partition {number}, {last}")
        resolved.append(ask._replace(number=number, start=placed.first, size=placed.size))
    return resolved


def _place(
    ask: PartitionAsk, before: Partition | None, space: layout.Space, taken: list[layout.Extent]
) -> layout.Extent:
    """Left open means as it is now; where there is nothing, or it may be replaced, it means 0."""
    keeps = before is not None and not ask.replace
    start = before.start if before and keeps and ask.start is None else ask.start or 0
    size = before.size if before and keeps and ask.size is None else ask.size or 0
    placed = layout.place(space, taken, start, size)
    if placed is None:
        room = _room(list(layout.free_blocks(space, taken)), start)
        wanted = f"{size} sectors" if size else "the end of the largest free block"
        raise Impossible(
            f"{ask.where}: could not create {called(ask.number, ask.label)}: from "
            f"{f'sector {start}' if start else 'the largest free block'} there is no room for {wanted} ({room})"
        )
    return placed


def _room(blocks: list[layout.Extent], start: int) -> str:
    if not start:
        return f"the largest free block has {max((block.size for block in blocks), default=0)} sectors"
    free = next((block.last - start + 1 for block in blocks if block.first <= start <= block.last), 0)
    return f"{free} sectors are free there"
