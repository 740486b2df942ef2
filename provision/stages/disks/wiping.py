"""Erasing what is on a device, and saying what is lost with it."""

from __future__ import annotations

from provision.planning.actions import DeviceName, Run
from provision.planning.descriptions import partition_text, signature_text
from provision.planning.device_names import partition_name
from provision.planning.machine_view import Device, Fact, Observe, Partition, Signature, Table


def holds_something(device: Device, observe: Observe) -> bool:
    """Whether there is a signature or a partition table to wipe."""
    return bool(observe.signature(device.name).type or observe.table(device.name).kind)


def wipe(device: Device, name: str, where: str, observe: Observe, *, half_made: bool = False) -> Run:
    """Erase every signature and table of a device that the config calls `name`; what is `half_made` is no loss."""
    return Run(
        title=f"wipe {name}" + (", where an interrupted run left off" if half_made else ""),
        argv=("wipefs", "-a", DeviceName(device.name)),
        on=frozenset({device.name}),
        facts=(
            Fact("signature", device.name, Signature()),
            Fact("table", device.name, Table("", sector=device.sector, remains=None)),
            Fact("volume", device.name, None),
        ),
        reason=where,
        loses="" if half_made else contents_text(device, observe),
    )


def contents_text(device: Device, observe: Observe) -> str:
    """What would be lost with all that is on a device; empty if nothing is."""
    table = observe.table(device.name)
    texts = [
        signature_text(observe.signature(device.name), device.size),
        f"a {table.kind} table" if table.kind else "",
        *(partition_text(one, table.sector, _held(device, one, observe)) for one in table.partitions),
    ]
    return ", ".join(filter(None, texts))


def _held(disk: Device, partition: Partition, observe: Observe) -> Signature:
    device = observe.device(partition_name(disk, partition.number))
    return observe.signature(device.name) if device is not None else Signature()
