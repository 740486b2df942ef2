"""A factory reset: what it removes from a root file system, and how it makes /etc again, from /usr/share/factory.

The system itself stays (KEPT), other file systems stay, and so does what the request names; everything else goes. Then
what the maker of the image put into the factory gets its place (file-hierarchy(7)). When the real root starts,
systemd-tmpfiles makes what services need (tmpfiles.d(5)).

The request is removed last. If a reset is interrupted, the next boot starts it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence

from provision.boot.first_boot_arguments import (
    DEVICE,
    EFIVAR,
    ostree_system,
    record_device,
    reset_is_asked,
    root_device,
    wait_seconds,
)
from provision.boot.records.completion_record import RECORD, remove_record_on
from provision.boot.records.content import new_record
from provision.boot.records.devices import has_file_system, wait_for_device
from provision.failures import Failure
from provision.kernel_command_line import last_value, root_options
from provision.planning.actions import Wave
from provision.planning.boot_state import BootState
from provision.planning.engine_files import RESET_REQUEST
from provision.planning.file_actions import FileAction, MakeDirectory, MakeSymlink, RemovePath, WriteFile
from provision.planning.machine_view import FileType, MachineView
from provision.system.running_system.local_system import LocalSystem

REQUEST = f"/{RESET_REQUEST}"
"""The request, in the root file system: a JSON object; `keep` has the paths that stay."""

KEPT = frozenset(
    f"/{name}"
    for name in (
        *("bin", "boot", "dev", "efi", "lib", "lib32", "lib64", "libo32", "libx32", "lost+found", "proc", "run"),
        *("sbin", "sys", "usr"),
    )
)
"""Directories of the root file system that hold the system itself, or in which other file systems are mounted."""

EMPTIED = frozenset({"/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var"})  # noqa: S108 - a name in the target
"""Directories that every system has: they stay, with owner and mode, and what is in them goes (hier(7))."""

OSTREE = "the system is managed by ostree, which this reset does not know; nothing was removed"

FACTORY = "/usr/share/factory"

_ACCOUNTS = "/etc/passwd"

_OF_ONE_MACHINE = frozenset({"/etc/machine-id", RECORD})
"""Files that are not restored from the factory: with them a new first boot would count as done."""


def reset_root(root: str, running_system: LocalSystem) -> None:
    """Do the reset of the root file system below `root`, if it is asked for. Raises Failure."""
    from provision.system import consoles
    from provision.system.block.kernel_devices import KernelDevices
    from provision.system.machine import Machine

    asked = reset_is_asked(running_system.read_text(running_system.paths.kernel_cmdline_path))
    machine = Machine(root, KernelDevices(), BootState())
    try:
        request = machine.content(REQUEST)
        if request is None and not (asked and machine.children("/usr")):  # a root that was just made is empty
            _unfinish_record(running_system)
            return
        keep = requested_paths(request) if request is not None else ()
        check_factory(machine, keep)
        if request is None:
            machine.apply(request_file(()))
        _unfinish_record(running_system)
        text = f"factory reset: removing {', '.join(summary(removed(machine, keep)))}"
        print(text, flush=True)
        consoles.show(f"provision: {text}")
        for wave in reset_waves(machine, keep):
            for action in wave:
                machine.apply(action)
        machine.apply(RemovePath(REQUEST))
    finally:
        machine.release()
    print("factory reset: done")


def check_reset(running_system: LocalSystem, *, wait: bool) -> None:
    """Raise Failure if the kernel command line asks for a reset that `reset_root` would refuse, after the disks stage.

    What cannot be looked at yet, such as a /usr on a device of its own, is left to `reset_root`. Without `wait` a root
    device that is not there yet is taken for missing. A request was checked when it was written.
    """
    from provision.system import mounts
    from provision.system.block.kernel_devices import KernelDevices
    from provision.system.machine import Machine
    from provision.system.running_system.drives import mounted_drive

    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    if not reset_is_asked(command_line):
        return
    if ostree_system(command_line):
        raise Failure(OSTREE)
    mounts.unshare_mounts_if_allowed()
    try:
        device = root_device(command_line)
        if not wait_for_device(device, wait_seconds(command_line) if wait else 0, running_system):
            return
        kind = last_value(command_line, "rootfstype") or "auto"
        with mounted_drive(device, kind, root_options(command_line)) as path:
            machine = Machine(path, KernelDevices(), BootState())
            try:
                new = machine.content(REQUEST) is None and machine.children("/usr")
                refusal = _refusal(machine, ()) if new else None
            finally:
                machine.release()
    except Failure as failure:
        print(f"it is unknown whether the root can be reset: {failure.message}")
        return
    if refusal:
        raise refusal


def _unfinish_record(running_system: LocalSystem) -> None:
    """Let the next boot go on with this reset if it is interrupted, without the argument too. Raises Failure.

    A record in the root file system goes with the other files.
    """
    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    if not last_value(command_line, DEVICE):
        return
    device = record_device(command_line)
    if device == EFIVAR:
        from provision.boot.records import firmware_record

        firmware_record.begin(new_record(running_system, finished=False))
    elif os.path.exists(device) and has_file_system(device):
        remove_record_on(device)


def request_file(keep: Sequence[str]) -> WriteFile:
    """The action that writes a request."""
    from provision.planning.arguments import Content

    return WriteFile(REQUEST, (Content(json.dumps({"keep": [*keep]}).encode() + b"\n"),), mode=0o600)


def requested_paths(request: bytes) -> tuple[str, ...]:
    """The paths that a request keeps. Raises Failure if it is not what `request_file` writes."""
    try:
        keep = json.loads(request)["keep"]
    except (ValueError, KeyError, TypeError, RecursionError):
        keep = None
    if not isinstance(keep, list) or not all(isinstance(path, str) and path.startswith("/") for path in keep):
        raise Failure(f"{REQUEST}: is not what `provision reset` writes", hint="remove it, or ask for the reset again")
    return tuple(keep)


def check_factory(view: MachineView, keep: Sequence[str]) -> None:
    """Raise Failure if the system could not start after a reset, because nothing makes /etc/passwd again."""
    if refusal := _refusal(view, keep):
        raise refusal


def _refusal(view: MachineView, keep: Sequence[str]) -> Failure | None:
    if view.file_status("/ostree") is not None:
        return Failure(OSTREE)
    if _is_below(_ACCOUNTS, keep) or view.content(FACTORY + _ACCOUNTS) is not None:
        return None
    return Failure(
        f"the system cannot make /etc again: it has no {FACTORY}{_ACCOUNTS}; nothing was removed",
        hint=f"copy /etc to {FACTORY}/etc when the image is made, or keep /etc",
    )


def removed(view: MachineView, keep: Sequence[str]) -> Iterator[str]:
    """The paths that a reset removes, each with all that is below it, sorted. Records of a first boot always go."""
    from provision.engine.history import RECORD as RUN_RECORD
    from provision.stages.files.result_file import RESULT

    stay = {*KEPT, REQUEST, *keep, *view.mounts_below("/")}
    yield from _removed_below("/", view, stay)
    for path in (RECORD, RUN_RECORD, RESULT):
        if _is_below(path, keep) and view.file_status(path) is not None:
            yield path


def _removed_below(folder: str, view: MachineView, stay: set[str]) -> Iterator[str]:
    for name in view.children(folder):
        path = f"{folder.rstrip('/')}/{name}"
        status = view.file_status(path)
        kind = status.kind if status else None
        # links such as /lib belong to the layout of the system
        if path in stay or (folder == "/" and kind is FileType.LINK):
            continue
        if kind is FileType.DIRECTORY and (path in EMPTIED or any(one.startswith(f"{path}/") for one in stay)):
            yield from _removed_below(path, view, stay)
        else:
            yield path


def summary(paths: Iterable[str]) -> list[str]:
    """Paths in short: of those below one directory of the root only the directory (`/var/*`)."""
    return list(dict.fromkeys(path if path.count("/") == 1 else f"/{path.split('/')[1]}/*" for path in paths))


def reset_waves(view: MachineView, keep: Sequence[str]) -> Iterator[Wave]:
    """What a reset does: remove, then make from the factory, one wave for each depth. Raises Failure."""
    yield tuple(RemovePath(path) for path in removed(view, keep))
    folders = [""]
    while folders:
        made = [action for folder in folders for action in _from_factory(folder, view, keep)]
        yield tuple(made)
        folders = [
            f"{folder}/{name}"
            for folder in folders
            for name in view.children(FACTORY + folder)
            if _kind(view, f"{FACTORY}{folder}/{name}") is FileType.DIRECTORY and f"{folder}/{name}" not in keep
        ]


def _from_factory(folder: str, view: MachineView, keep: Sequence[str]) -> Iterator[FileAction]:
    """Actions that make what the factory has in a directory, and the root file system lacks."""
    from provision.planning.arguments import Content

    for name in view.children(FACTORY + folder):
        path, source = f"{folder}/{name}", f"{FACTORY}{folder}/{name}"
        status = view.file_status(source)
        if status is None or _is_below(path, keep) or path in _OF_ONE_MACHINE or view.file_status(path) is not None:
            continue
        mode, uid, gid = status.mode or 0, status.uid, status.gid
        if status.kind is FileType.DIRECTORY:
            yield MakeDirectory(path, mode, uid, gid)
        elif status.kind is FileType.LINK:
            yield MakeSymlink(path, status.target or "", uid, gid)
        elif (data := view.content(source)) is not None:
            yield WriteFile(path, (Content(data),), mode, uid, gid)
        else:
            raise Failure(f"{source}: is not a file of at most 16 MiB", hint="correct the factory of the image")


def _kind(view: MachineView, path: str) -> FileType | None:
    status = view.file_status(path)
    return status.kind if status else None


def _is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of these, or below one."""
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)
