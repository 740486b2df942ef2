"""What a new table brings about: the devices that come, change or go, and what is lost."""

from __future__ import annotations

from collections.abc import Iterator

from provision.device_names import link, of_partition, partition_aliases, partition_name
from provision.observe import Device, Fact, Observe, Partition, Signature, Table
from provision.stages.asks import Disk
from provision.stages.devices import contents_text, partition_text


def facts(disk: Disk, table: Table, observe: Observe) -> Iterator[Fact]:
    """The devices that come, change or go. What a partition holds is decided by where it begins."""
    after = {partition.number: partition for partition in table.partitions}
    before = {partition.number: partition for partition in disk.found.partitions}
    for number, partition in before.items():
        if partition.guid != (after[number].guid if number in after else ""):
            yield Fact("device", link("by-partuuid", partition.guid.lower()), None)
        if number not in after:
            yield Fact("device", partition_name(disk.device, number), None)
    for number, partition in after.items():
        if disk.erase or partition != before.get(number):
            yield from _device_facts(disk, partition, observe)


def _device_facts(disk: Disk, partition: Partition, observe: Observe) -> Iterator[Fact]:
    device = Device(
        name=partition_name(disk.device, partition.number),
        size=partition.size * disk.table.sector,
        sector=disk.table.sector,
        assumed=disk.device.assumed or bool(disk.device.mapper),
    )
    names = [device.name, *of_partition(partition), *partition_aliases(disk.name, partition.number)]
    yield from (Fact("device", name, device) for name in names)
    there = _signature_at(disk, partition.start, observe)
    if there.type:
        yield Fact("signature", device.name, there)


def _signature_at(disk: Disk, start: int, observe: Observe) -> Signature:
    """What a partition of the old table holds that began at this sector: writing a table leaves it there."""
    for partition in disk.found.partitions:
        device = observe.device(partition_name(disk.device, partition.number))
        if partition.start == start and device is not None and disk.found.sector == disk.table.sector:
            return observe.signature(device.name)
    return Signature()


def losses(disk: Disk, table: Table, observe: Observe) -> Iterator[str]:
    """What cannot be reached any more, or not whole, under the new table."""
    if not disk.found.kind:
        on_disk = contents_text(disk.device, observe)
        yield from [on_disk] if on_disk else []
    sizes = {partition.start: partition.size for partition in table.partitions}
    for partition in disk.found.partitions:
        what = partition_text(partition, disk.table.sector, _signature_at(disk, partition.start, observe))
        if partition.start not in sizes:
            yield what
        elif sizes[partition.start] < partition.size:
            yield f"the end of {what}"
