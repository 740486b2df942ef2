"""New identifiers for what an image has the same ones of on every disk: partition tables and file systems.

Machines that are copies of one image otherwise share UUIDs, and two of their disks in one machine are confused. Only
identifiers that the kernel command line lists are replaced, so nothing else is ever touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.config.problems import Problem
from provision.failures import Failure, PlanRefused
from provision.kernel_command_line import last_value
from provision.planning.actions import Action, RunProgram, WritePartitionTable
from provision.planning.arguments import Argument, DeviceName
from provision.planning.device_names import link
from provision.planning.machine_view import Device, MachineView
from provision.stages.disks.partitions.layout import over_whole_device

ARGUMENT = "provision.restamp"
"""Kernel argument: the UUIDs of the image, separated by commas."""

TOOLS = {"btrfs": ("btrfstune",), "ext4": ("e2fsck", "tune2fs"), "xfs": ("xfs_admin", "xfs_db")}
"""The programs that change the UUID of a file system."""


def identifiers(command_line: str, root: str) -> frozenset[str]:
    """The UUIDs that the kernel command line lists, in lower case. Raises Failure for anything else.

    `root` is the device that `root=` names; its own UUID cannot be replaced then.
    """
    listed = [one for one in (last_value(command_line, ARGUMENT) or "").split(",") if one]
    if not listed:
        return frozenset()
    from uuid import UUID

    found = set()
    for text in listed:
        try:
            found.add(str(UUID(text)))
        except ValueError:
            raise Failure(f"kernel command line: {ARGUMENT}: {text} is not a UUID") from None
    if root in {link("by-uuid", one) for one in found}:
        raise Failure(f"kernel command line: {ARGUMENT} lists the UUID that root= names", hint="write root=LABEL=")
    return frozenset(found)


def restamp(known: frozenset[str], nodes: Iterable[str], view: MachineView) -> Iterator[Action]:
    """The actions that replace these identifiers on these devices. Raises PlanRefused.

    The new ones are derived from the seed of the run, so that a run that was interrupted goes on with the same ones.
    """
    for node in nodes if known else ():
        device = view.device(node)
        if device is None or device.read_only:
            continue
        table = view.table(device.name)
        if table.kind == "gpt" and table.guid.lower() in known:
            new = over_whole_device(table, device)._replace(guid=_new(table.guid, view).upper())
            yield WritePartitionTable(device.name, new, title=f"give {device.name} a GUID of its own")
        found = view.signature(device.name)
        if found.type in TOOLS and (found.uuid or "").lower() in known:
            _check(device, found.type, view)
            yield from _programs(device, found.type, _new(found.uuid or "", view))


def _new(old: str, view: MachineView) -> str:
    from uuid import NAMESPACE_OID, uuid5

    return str(uuid5(NAMESPACE_OID, f"{view.boot_state().seed}\0restamp\0{old.lower()}"))


def _check(device: Device, kind: str, view: MachineView) -> None:
    problems = [
        Problem(
            (), f"{tool} is needed for a new UUID of the {kind} on {device.name}, and not on PATH", rule="missing-tool"
        )
        for tool in TOOLS[kind]
        if view.tool(tool) is None
    ]
    if problems:
        raise PlanRefused(problems, hint="put it into the initramfs (install_items of dracut.conf(5))")
    if device.in_use:
        raise Failure(f"{device.name} cannot get a UUID of its own: {device.in_use}")


def _programs(device: Device, kind: str, new: str) -> Iterator[Action]:
    node, where = DeviceName(device.name), frozenset({device.name})
    title = f"give the file system on {device.name} a UUID of its own"
    arguments: dict[str, tuple[Argument, ...]] = {
        "btrfs": ("btrfstune", "-f", "-M", new, node),
        "ext4": ("tune2fs", "-U", new, node),
        "xfs": ("xfs_admin", "-U", new, node),
    }
    if kind == "ext4":  # tune2fs(8) wants one that was checked since it was mounted; 1 means that errors were corrected
        yield RunProgram(f"check {device.name}", ("e2fsck", "-f", "-p", node), where, accepts=(0, 1))
    yield RunProgram(title, arguments[kind], where)
