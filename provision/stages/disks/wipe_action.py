"""Erasing what is on a device, and saying what is lost with it."""

from __future__ import annotations

from provision.config.problems import Path
from provision.planning.actions import RunProgram
from provision.planning.arguments import DeviceName
from provision.planning.descriptions import partition_text, signature_text
from provision.planning.device_names import partition_name
from provision.planning.facts import LuksHeaderFact, SignatureFact, TableFact
from provision.planning.machine_view import Device, MachineView, PartitionEntry, PartitionTable, Signature


def holds_something(device: Device, view: MachineView) -> bool:
    """Whether there is a signature or a partition table to wipe."""
    return bool(view.signature(device.name).type or view.table(device.name).kind)


def wipe(device: Device, name: str, config_path: Path, view: MachineView, *, half_made: bool = False) -> RunProgram:
    """Erase every signature and table of a device that the config calls `name`.

    What an interrupted run left `half_made` holds no data, so the action then says that nothing is lost.
    """
    return RunProgram(
        title=f"wipe {name}" + (", where an interrupted run left off" if half_made else ""),
        argv=("wipefs", "-a", DeviceName(device.name)),
        on=frozenset({device.name}),
        facts=(
            SignatureFact(device.name, Signature()),
            TableFact(device.name, PartitionTable("", sector=device.sector, remains=None)),
            LuksHeaderFact(device.name, None),
        ),
        config_path=config_path,
        destroys="" if half_made else contents_text(device, view),
    )


def contents_text(device: Device, view: MachineView) -> str:
    """What would be lost if a device were erased, in words; empty for nothing."""
    table = view.table(device.name)
    texts = [
        signature_text(view.signature(device.name), device.size),
        f"a {table.kind} table" if table.kind else "",
        *(partition_text(one, table.sector, _held(device, one, view)) for one in table.partitions),
    ]
    return ", ".join(filter(None, texts))


def _held(disk: Device, partition: PartitionEntry, view: MachineView) -> Signature:
    device = view.device(partition_name(disk, partition.number))
    return view.signature(device.name) if device is not None else Signature()
