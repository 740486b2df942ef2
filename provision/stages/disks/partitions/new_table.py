"""The effects of a new table: devices that appear, change or disappear, lost data, and erased signatures."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from provision.config.format import Config
from provision.planning.descriptions import partition_text
from provision.planning.device_names import link, of_partition, partition_aliases, partition_name
from provision.planning.facts import DeviceFact, Fact, SignatureFact
from provision.planning.machine_view import Device, MachineView, PartitionEntry, PartitionTable, Signature
from provision.planning.uuids import chosen_uuid
from provision.stages.disks.devices import RAID_MEMBER
from provision.stages.disks.partitions.desired import DesiredDisk
from provision.stages.disks.wipe_action import contents_text


def stale_members(disk: DesiredDisk, table: PartitionTable, config: Config, view: MachineView) -> tuple[int, ...]:
    """Numbers of new partitions that begin where a member of an old array is, and that get another use.

    udev would assemble the old array as soon as it saw such a member, and the array would hold the partition. Members
    that this provisioning has made are not old.
    """
    ours = {chosen_uuid(view, "raid", array.name) for array in config.storage.raid}
    taken = _given_up(config)
    return tuple(
        partition.number
        for partition in _changed(disk, table)
        if taken.intersection(_names(disk, partition))
        and (found := _signature_at(disk, partition.start, view)).type == RAID_MEMBER
        and found.uuid not in ours
    )


def _given_up(config: Config) -> set[str]:
    """The devices whose contents the config allows to be lost."""
    storage = config.storage
    return {
        *(name for array in storage.raid for name in array.devices),
        *(volume.device for volume in storage.luks if volume.wipe_volume and volume.device),
        *(entry.device for entry in storage.filesystems if entry.wipe_filesystem),
    }


def facts(disk: DesiredDisk, table: PartitionTable, cleared: Collection[int], view: MachineView) -> Iterator[Fact]:
    """The devices that appear, change or disappear. What a partition holds depends on where it begins.

    What a `cleared` partition holds is not known: an older signature may lie under the one of the array.
    """
    after = {partition.number: partition for partition in table.partitions}
    before = {partition.number: partition for partition in disk.found.partitions}
    for number, partition in before.items():
        if partition.guid != (after[number].guid if number in after else ""):
            yield DeviceFact(link("by-partuuid", partition.guid.lower()), None)
        if number not in after:
            yield DeviceFact(partition_name(disk.device, number), None)
    for partition in _changed(disk, table):
        device = _device(disk, partition)
        yield from (DeviceFact(name, device) for name in _names(disk, partition))
        there = _signature_at(disk, partition.start, view)
        if there.type and partition.number not in cleared:
            yield SignatureFact(device.name, there)


def _changed(disk: DesiredDisk, table: PartitionTable) -> list[PartitionEntry]:
    return [one for one in table.partitions if disk.erase or one not in disk.found.partitions]


def _device(disk: DesiredDisk, partition: PartitionEntry) -> Device:
    return Device(
        name=partition_name(disk.device, partition.number),
        size=partition.size * disk.table.sector,
        sector=disk.table.sector,
        assumed=disk.device.assumed or bool(disk.device.mapper),
    )


def _names(disk: DesiredDisk, partition: PartitionEntry) -> tuple[str, ...]:
    node = partition_name(disk.device, partition.number)
    return (node, *of_partition(partition), *partition_aliases(disk.name, partition.number))


def _signature_at(disk: DesiredDisk, start: int, view: MachineView) -> Signature:
    """The signature of a partition of the old table that began at this sector: writing a table does not change it."""
    for partition in disk.found.partitions:
        device = view.device(partition_name(disk.device, partition.number))
        if partition.start == start and device is not None and disk.found.sector == disk.table.sector:
            return view.signature(device.name)
    return Signature()


def data_loss(disk: DesiredDisk, table: PartitionTable, cleared: Collection[int], view: MachineView) -> Iterator[str]:
    """What the new table makes unreachable, in whole or in part."""
    if not disk.found.kind:
        on_disk = contents_text(disk.device, view)
        yield from [on_disk] if on_disk else []
    sizes = {one.start: one.size for one in table.partitions if one.number not in cleared}
    for partition in disk.found.partitions:
        what = partition_text(partition, disk.table.sector, _signature_at(disk, partition.start, view))
        if partition.start not in sizes:
            yield what
        elif sizes[partition.start] < partition.size:
            yield f"the end of {what}"
