"""Explains a boot that stopped because the root device does not exist; such a boot has no unit that failed."""

from __future__ import annotations

import os

from provision.boot.first_boot_arguments import Verdict, root_device, verdict
from provision.failures import Failure
from provision.kernel_command_line import last_value
from provision.planning.machine_view import Signature
from provision.system.running_system.local_system import LocalSystem

MAX_DISKS = 5
"""How many devices are named."""


def may_provision(command_line: str) -> bool:
    """Whether the kernel command line lets this boot provision the machine; also if what it says is wrong."""
    try:
        return verdict(command_line) is not Verdict.LATER
    except Failure:
        return True


def missing_root(running_system: LocalSystem) -> list[str]:
    """Lines that say that the root device does not exist, and which devices do; none if it exists or is unknown."""
    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    try:
        device = root_device(command_line)
    except Failure:
        return []
    if os.path.exists(device):
        return []
    wanted = last_value(command_line, "root")
    return missing_text(device, f"root={wanted}" if wanted else "", _devices())


def missing_text(device: str, argument: str, devices: list[str]) -> list[str]:
    """The lines for a root device that is missing: its name, the kernel argument, what there is, and what to do."""
    asked = f"{argument} on the kernel command line" if argument else "no root= on the kernel command line"
    if not devices:
        hint = "attach a disk; if there is one, its driver is not in the initramfs"
        return [f"there is no root device {device} ({asked})", "this machine has no disk", f"hint: {hint}"]
    more = [f"... and {len(devices) - MAX_DISKS} more"] if len(devices) > MAX_DISKS else []
    hint = "correct root=, or let the config make this file system (storage.filesystems)"
    return [f"there is no root device {device} ({asked})", *devices[:MAX_DISKS], *more, f"hint: {hint}"]


def _devices() -> list[str]:
    """`/dev/vda holds ext4 "root"` for each disk and partition that may hold a file system."""
    from provision.system.block import signatures, sysfs

    return [device_text(node, found) for node, found in signatures.on_disks(sysfs.every())]


def device_text(node: str, found: Signature | None) -> str:
    """What a device holds; `found` is None if it cannot be read."""
    if found is None:
        return f"{node} cannot be read"
    label = f' "{found.label}"' if found.label else ""
    return f"{node} holds {found.type}{label}" if found.type else f"{node} holds nothing"
