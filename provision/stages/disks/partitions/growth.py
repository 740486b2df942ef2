"""Partitions that grow into the free space behind them, and their file systems.

An image is often smaller than the disk that it is written to. Container Linux marks the partition that takes the rest
by a type of its own. Source: `build_library/disk_layout.json` and `extend-filesystems` of Container Linux.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from provision.planning.actions import Action, Keep, RunProgram, WritePartitionTable
from provision.planning.arguments import DeviceName
from provision.planning.descriptions import size_text
from provision.planning.device_names import partition_name
from provision.planning.machine_view import MachineView, PartitionEntry, PartitionTable
from provision.stages.disks.partitions.layout import MEBIBYTE, over_whole_device

RESIZE_TYPE = "3884DD41-8582-4404-B9A8-E9B84F2DF50E"
"""The type `coreos-resize`: a root file system that takes all space behind it."""


def growing(table: PartitionTable) -> list[int]:
    """The numbers of the partitions of a GPT that are marked as growing."""
    return [one.number for one in table.partitions if one.type == RESIZE_TYPE]


def grow_partitions(disk: str, numbers: Collection[int], view: MachineView) -> Iterator[Action]:
    """The action that makes these partitions of a disk as large as the free space behind each one allows.

    The table is extended to the end of a disk that has grown. Nothing else of it changes: numbers, GUIDs and attributes
    stay. Less than 1 MiB is not worth a change.
    """
    device = view.device(disk)
    found = view.table(disk)
    if device is None or found.kind != "gpt":
        return
    table = over_whole_device(found, device)
    grown = tuple(_grown(one, table) if one.number in numbers else one for one in table.partitions)
    changed = [(old, new) for old, new in zip(table.partitions, grown, strict=True) if new.size != old.size]
    if changed:
        sizes = ", ".join(
            f"{new.number} from {size_text(old.size * table.sector)} to {size_text(new.size * table.sector)}"
            for old, new in changed
        )
        title = f"grow partition {sizes} on {device.name}"
        yield WritePartitionTable(device.name, table._replace(partitions=grown), title=title)


def _grown(partition: PartitionEntry, table: PartitionTable) -> PartitionEntry:
    """The partition up to the next one or to the end, as a whole number of MiB; never smaller than it is."""
    following = [one.start - 1 for one in table.partitions if one.start > partition.start]
    unit = MEBIBYTE // table.sector
    end = (min(following, default=table.last) + 1) // unit * unit
    size = end - partition.start
    return partition._replace(size=size) if size >= partition.size + unit else partition


def grow_filesystem(disk: str, number: int, mounted_at: str, view: MachineView) -> Iterator[Action]:
    """The action that makes the file system of a partition as large as the partition.

    `mounted_at` is where it is mounted; empty if it is not.
    """
    device = view.device(disk)
    partition = view.device(partition_name(device, number)) if device else None
    if partition is None:
        return
    kind = view.signature(partition.name).type
    where, title = frozenset({partition.name}), f"grow the file system on {partition.name}"
    if not mounted_at:
        yield Keep(f"the file system on {partition.name}", "it is not mounted; it grows when it is")
    elif kind in {"ext2", "ext3", "ext4"}:
        yield RunProgram(title, ("resize2fs", DeviceName(partition.name)), where)
    elif kind == "xfs":
        yield RunProgram(title, ("xfs_growfs", mounted_at), where)
    elif kind == "btrfs":
        yield RunProgram(title, ("btrfs", "filesystem", "resize", "max", mounted_at), where)
    else:
        why = f"{kind} does not grow while it is mounted" if kind else "it has no known file system"
        yield Keep(f"what is on {partition.name}", why)
