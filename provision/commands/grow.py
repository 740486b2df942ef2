"""Let partitions, and the file systems on them, grow into the free space behind them, on this machine.

It changes what is mounted, while it is used, so it can run at each boot. A second run changes nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provision.failures import Failure
from provision.planning.machine_view import MachineView

NAME = "grow"
HELP = "let partitions grow into the free space behind them"
EPILOG = """\
examples:
  provision grow
  provision grow /dev/disk/by-partlabel/root

"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "partitions",
        nargs="*",
        metavar="PARTITION",
        help="default: all mounted partitions that are marked as growing (Container Linux's type coreos-resize)",
    )


class _Growing(NamedTuple):
    """A partition that grows: the node of its disk, its number, and its own node."""

    disk: str
    number: int
    node: str


def run(arguments: argparse.Namespace) -> int:
    """Print each step. Returns 0; raises Failure."""
    from provision.planning.actions import Keep
    from provision.planning.boot_state import BootState
    from provision.stages.disks.partitions.growth import grow_filesystem, grow_partitions
    from provision.system.block.kernel_devices import KernelDevices
    from provision.system.machine import Machine

    machine = Machine("/", KernelDevices(), BootState())
    try:
        chosen = list(_named(arguments.partitions, machine) if arguments.partitions else _marked(machine))
        for disk in dict.fromkeys(one.disk for one in chosen):
            for action in grow_partitions(disk, [one.number for one in chosen if one.disk == disk], machine):
                print(action.title, flush=True)
                machine.apply(action)
        for one in chosen:
            for action in grow_filesystem(one.disk, one.number, _mounted_at(one.node), machine):
                print(action.title, flush=True)
                if not isinstance(action, Keep):
                    machine.apply(action)
    finally:
        machine.release()
    return 0


def _named(names: Sequence[str], view: MachineView) -> Iterator[_Growing]:
    from provision.system.block import sysfs

    for name in names:
        block = sysfs.find(name)
        if block is None or not block.is_partition:
            raise Failure(f"{name}: there is no such partition", hint="name a partition, such as /dev/vda9")
        disk = sysfs.slaves(block)[0].node
        if (kind := view.table(disk).kind) != "gpt":
            raise Failure(f"{name}: its disk has a partition table of the kind {kind or 'unknown'}, only gpt can grow")
        yield _Growing(disk, int(sysfs.read(block.path, "partition")), block.node)


def _marked(view: MachineView) -> Iterator[_Growing]:
    """The marked partitions that are mounted: others may belong to another system, on a disk that is only attached."""
    from provision.stages.disks.partitions.growth import growing
    from provision.system.block import sysfs

    for disk in sysfs.every():
        blocks = {} if disk.is_partition else sysfs.partitions(disk)
        numbers = growing(view.table(disk.node)) if blocks else []
        for number in numbers:
            if number not in blocks:
                continue
            node = blocks[number].node
            if _mounted_at(node):
                yield _Growing(disk.node, number, node)
            else:
                print(f"keep {node}: it is marked as growing, but not mounted", flush=True)


def _mounted_at(node: str) -> str:
    """Where a device is mounted, the oldest place first; empty if it is not mounted."""
    from provision.system import mount_table
    from provision.system.block import sysfs

    block = sysfs.find(node)
    number = sysfs.read(block.path, "dev") if block else ""
    for entry in mount_table.entries():
        # btrfs has a number of its own in mountinfo
        if entry.number == number or (entry.source.startswith("/dev/") and os.path.realpath(entry.source) == node):
            return entry.path
    return ""
