"""The record that a first boot is done: where it is, and the code that writes it at the end.

It is in /etc of the root file system, if that is one for all boots. Where each boot may have another one, it is in what
they share: with OSTree in /var of the system, and elsewhere on a file system that the kernel command line names, or in
the EFI firmware (provision.boot.records.firmware_record).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from provision.boot.first_boot_arguments import DEVICE, EFIVAR, ostree_system
from provision.boot.records.content import new_record
from provision.boot.run_files import RUN_DIR
from provision.failures import FetchFailed
from provision.kernel_command_line import last_value, root_options
from provision.planning import engine_files
from provision.planning.boot_state import BootState
from provision.system.running_system.local_system import BrokenPath, LocalSystem

if TYPE_CHECKING:
    from provision.planning.file_actions import WriteFile
    from provision.system.machine import Machine


def write_completion_record(root: str, running_system: LocalSystem, device: str = "") -> None:
    """Write the record after everything else is on the disk (sync(2)). Raises Failure.

    It goes to the root file system below `root`, to the shared file system on `device`, or to the firmware (EFIVAR).
    """
    from provision.engine.history import record_path
    from provision.planning.file_actions import RemovePath
    from provision.system.block.kernel_devices import KernelDevices
    from provision.system.machine import Machine

    os.sync()
    data = new_record(running_system)
    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    where = record_places(command_line)[0] if device else Place(RECORD)
    place = f"{where.path} on {device}" if device else where.path
    if device == EFIVAR:
        from provision.boot.records import firmware_record

        place = firmware_record.PLACE
        firmware_record.finish(data)
    elif device:
        write_on(device, where, data)
    machine = Machine(root, KernelDevices(), BootState())
    try:
        if not device:
            machine.apply(_record(where.path, data, machine))
        # only an interrupted boot needs them
        machine.apply(RemovePath(record_path(machine)))
        machine.apply(RemovePath(MOVED_ROOT))
    finally:
        machine.release()
    os.sync()
    print(f"provisioned: recorded in {place}")


def _record(path: str, data: bytes, machine: Machine) -> WriteFile:
    """What writes a record at a path, whose folder may be a link. Raises Unresolvable."""
    from provision.planning.arguments import Content
    from provision.planning.file_actions import WriteFile
    from provision.planning.root.target_paths import missing_parents, resolve_path

    path = resolve_path(machine, path)
    return WriteFile(path, (Content(data),), parents=missing_parents(machine, path))


def write_on(device: str, place: Place, data: bytes) -> None:
    """Write a record to a place on a device. Raises Failure."""
    with _mounted(device, (*place.options, "rw")) as machine:
        machine.apply(_record(place.path, data, machine))


def remove_record_on(device: str) -> str:
    """Remove the record from the top of the file system on a device, or from the firmware (EFIVAR). Raises Failure.

    Returns where it was, for a message; empty if there was none.
    """
    if device == EFIVAR:
        from provision.boot.records import firmware_record

        return f"in {firmware_record.PLACE}" if firmware_record.remove() else ""
    from provision.planning.file_actions import RemovePath

    path = f"/{engine_files.COMPLETION_RECORD}"
    with _mounted(device) as machine:
        found = machine.file_status(path) is not None
        if found:
            machine.apply(RemovePath(path))
    return f"on {device}" if found else ""


@contextmanager
def _mounted(device: str, options: Sequence[str] = ()) -> Iterator[Machine]:
    """A machine whose root is the file system on a device, which is mounted in a place of its own for that."""
    from provision.system import mounts
    from provision.system.block.kernel_devices import KernelDevices
    from provision.system.machine import Machine

    mounts.unshare_mounts_if_allowed()
    folder = f"{RUN_DIR}/record"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    mounts.mount(device, folder, "auto", (*options, *mounts.UNTRUSTED))
    machine = Machine(folder, KernelDevices(), BootState())
    try:
        yield machine
    finally:
        machine.release()
        mounts.unmount(folder)


RECORD = f"/etc/{engine_files.COMPLETION_RECORD}"
"""Path of the completion record in the root file system. It is in /etc, because /var is often another file system."""

SHARED_RECORD = f"/var/{engine_files.COMPLETION_RECORD}"
"""Path of the record in a system of OSTree, whose deployments share /var; each has an /etc of its own."""

MOVED_ROOT = f"/{engine_files.MOVED_ROOT}"
"""A file with the digest of the config whose boot has put the old content into a new root file system."""


class Place(NamedTuple):
    """Where the record is on its device: its path, and the options with which the file system has to be mounted."""

    path: str
    options: tuple[str, ...] = ()


def record_places(command_line: str) -> tuple[Place, ...]:
    """Places at which the record may be on its device, the first for a new one.

    A root file system is mounted as systemd mounts it, because options may choose another subvolume of it. It is looked
    at without them too: before the config has made the file system for which they are, it may hold another one.
    """
    if last_value(command_line, DEVICE):
        return (Place(f"/{engine_files.COMPLETION_RECORD}"),)
    system = ostree_system(command_line)
    path = f"/ostree/deploy/{system}{SHARED_RECORD}" if system else RECORD
    options = root_options(command_line)
    return (Place(path, options), Place(path)) if options else (Place(path),)


READY = 10.0
"""Seconds in which a device that cannot be mounted is tried again."""


def read_record(device: str, places: Sequence[Place], running_system: LocalSystem) -> bytes | None:
    """The record on a device, at the first place that has one. Raises FetchFailed if the device cannot be mounted.

    That is tried again for READY seconds: a name may lead to one path of a disk until multipathd takes that path, and
    a file system on several devices (btrfs) has a name when the first of them is there.
    """
    end = time.monotonic() + READY
    while True:
        try:
            return _read_once(device, places, running_system)
        except BrokenPath:
            raise
        except FetchFailed:
            left = end - time.monotonic()
            if left <= 0:
                raise
            running_system.await_change(min(left, 1.0))


def _read_once(device: str, places: Sequence[Place], running_system: LocalSystem) -> bytes | None:
    """The record on a device. Raises FetchFailed if the device cannot be mounted as the last place asks for it.

    Nor may a subvolume be missing: at the top of its file system a machine in use has no record. Raises BrokenPath if
    the path of the record cannot be followed: a link may lead to another file system, and the record may be there.
    """
    looked = False
    for place in places:
        try:
            data = running_system.read_from(device, place.path, options=place.options, whole_way=not looked)
        except BrokenPath as error:
            raise BrokenPath(
                error.url,
                error.cause,
                hint=f"name the file system with the record by {DEVICE}=, or correct the link;"
                " ignition.firstboot on the kernel command line provisions in any case",
            ) from error
        except FetchFailed as error:
            if _chooses_subvolume(place, device):
                raise FetchFailed(
                    error.url,
                    f"{error.cause} (rootflags={','.join(place.options)})",
                    hint="correct rootflags=; ignition.firstboot on the kernel command line provisions in any case",
                ) from error
            if place is places[-1]:
                raise
            continue
        if data is not None:
            return data
        looked = True
    return None


def _chooses_subvolume(place: Place, device: str) -> bool:
    """Whether the options of a place choose one of the root file systems that are on a device now."""
    from provision.system.block import signatures

    if not any(option.startswith(("subvol=", "subvolid=")) for option in place.options):
        return False
    try:
        return signatures.probe(os.path.realpath(device)).type == "btrfs"
    except (OSError, signatures.ProbeFailed):
        return True
