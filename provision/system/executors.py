"""Carries out actions, except those on files of the tree: one function for each type, in a table."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple

from provision.config.model import Secret, masked
from provision.failures import Failure
from provision.log import Log
from provision.planning.actions import (
    ForgetBlob,
    Keep,
    Mount,
    RunProgram,
    SetPassword,
    StoreBlob,
    Unmount,
    UpdateBootState,
    WaitForDevices,
    WritePartitionTable,
)
from provision.planning.arguments import Argument, Blob, Bytes, DeviceName, KeyFile, PathList, TargetPath
from provision.planning.boot_state import BootState
from provision.planning.facts import DeviceFact, FileFact, UserFact
from provision.planning.machine_view import Account, FileType
from provision.system import libc, mounts
from provision.system.block.devices import Devices
from provision.system.programs import account_tools, processes
from provision.system.programs.confinement import ACCOUNT_TOOLS, Confinement
from provision.system.programs.program_watch import WatchSettings
from provision.system.root import account_hooks, accounts, new_homes
from provision.system.root.blob_store import BlobStore
from provision.system.root.guarded_paths import GuardedTree, closing_descriptor

EXPECTED = (OSError, ValueError, OverflowError, MemoryError, Failure)
"""The exceptions that an action, or a question to the machine, may raise; all others are bugs."""


class ToolFailed(Failure):
    """A program failed; the message is the end of its output."""


class StateHolder:
    """The boot state; actions replace it during a run."""

    def __init__(self, state: BootState) -> None:
        self.current = state


class Context(NamedTuple):
    """What actions work on. `mounted` has the mount points that this process made, oldest first.

    `foreign` is set if the tree is not this machine's own; then tools that would load code from it are confined.
    """

    tree: GuardedTree
    devices: Devices
    blob_store: BlobStore
    state: StateHolder
    log: Log
    mounted: list[str]
    foreign: bool

    def confinement(self, program: str) -> Confinement | None:
        """The confinement for a program that works on the tree; None for a program that needs none."""
        root = os.path.abspath(self.tree.root)
        return account_tools.confinement(program, root, root, foreign=self.foreign)

    def unmount_all(self) -> None:
        """Unmount what this process mounted; a file system in use is unmounted as soon as it is free (MNT_DETACH)."""
        while self.mounted:
            mounts.unmount_lazily(self.mounted.pop())

    def place(self, path: str) -> str:
        """The real path of a directory of the tree, for mount(8)."""
        with self.tree.folder(path) as folder:
            return os.readlink(f"/proc/self/fd/{folder}")

    def bytes(self, part: Bytes) -> AbstractContextManager[int]:
        """A descriptor of the bytes, at their beginning; it is closed at the end of the block."""
        return closing_descriptor(
            self.blob_store.open(part) if isinstance(part, Blob) else processes.memory_file(part.data)
        )


def error_text(error: BaseException) -> str:
    """The message of an error, for people."""
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, OSError) and error.strerror:
        named = isinstance(error.filename, str) and error.filename != "."  # O_TMPFILE opens the directory itself
        return f"{error.filename}: {error.strerror}" if named else error.strerror
    return str(error)


_REMEDIES = {
    errno.EFBIG: "account files and records are never that large: find out what made this one so, or restore it",
    errno.EIO: "the device fails, or its connection was lost: read the kernel's log (dmesg)",
    errno.ENOSPC: "free some space on the file system, or use a larger one",
    errno.EDQUOT: "free some space on the file system, or raise the quota",
    errno.EROFS: "the file system is read-only: check its mount options and the kernel's log (dmesg)",
    errno.ENOMEM: "give the machine more memory",
}


def hint_of(error: BaseException) -> str:
    """What to do about an error, or empty."""
    if isinstance(error, OSError):
        return _REMEDIES.get(error.errno or 0, "")
    return _REMEDIES[errno.ENOMEM] if isinstance(error, MemoryError) else getattr(error, "hint", "")


def _await(action: WaitForDevices, context: Context) -> None:
    context.devices.wait(action.names)


def _run(action: RunProgram, context: Context) -> None:
    with ExitStack() as stack:
        argv, keys = _rendered(action.argv, context, stack)
        stdin = _input(action.stdin, context, stack)
        context.log("debug", f"running {_shown(action.argv)}")
        if argv[0] in ACCOUNT_TOOLS:
            if context.foreign:
                account_hooks.check_hooks(context.tree)
            accounts.prepare(context.tree)
        before = _accounts(action, context.tree) if argv[0] == "usermod" else []
        done = _started(action.title, argv, stdin, keys, context)
        given = keys if stdin is None or isinstance(action.stdin, PathList) else [*keys, stdin]
        done = done._replace(output=masked(done.output, _secrets(argv, given)))
    if done.status not in action.accepts:
        raise ToolFailed(done.last_lines or _ended(argv[0], done.status))
    if argv[0] == "useradd":
        _finish_user(action, context.tree)
    for account in before:
        new_homes.hand_over_mail_spool(context.tree, account)
    if argv[0] in ACCOUNT_TOOLS:
        _sync_accounts(action, context.tree)
    for line in done.lines:
        context.log("debug", f"{argv[0]}: {line}")
    _follow(action, context.devices)


def _accounts(action: RunProgram, tree: GuardedTree) -> list[Account]:
    """The accounts that a program changes, as they are now."""
    found = (accounts.user(tree, fact.name) for fact in action.facts if isinstance(fact, UserFact))
    return [account for account in found if account is not None]


def _finish_user(action: RunProgram, tree: GuardedTree) -> None:
    """Complete what useradd should have made, since it does not report every error."""
    made = [fact.name for fact in action.facts if isinstance(fact, FileFact)]
    for fact in action.facts:
        if isinstance(fact, UserFact):
            if made:
                new_homes.finish_home(tree, fact.name, made)
            if "--system" not in action.argv:
                new_homes.finish_mail_spool(tree, fact.name)


def _sync_accounts(action: RunProgram, tree: GuardedTree) -> None:
    """Write account files and homes to the disk before the record says so: the tools do not sync homes."""
    homes = (fact.name for fact in (*action.facts, *action.likely) if isinstance(fact, FileFact))
    synced: set[int] = set()
    for path in ("/etc", *homes):
        found = tree.file_status(path)
        if found is None or found.kind is not FileType.DIRECTORY:
            continue
        with tree.folder(path) as folder:
            device = os.fstat(folder).st_dev
            if device not in synced:
                libc.syncfs(folder)
            synced.add(device)


def _follow(action: RunProgram, devices: Devices) -> None:
    """Wait until the kernel and udev know what a program has changed on devices."""
    for argument in action.argv if action.facts else ():
        if isinstance(argument, DeviceName):
            devices.settle(argument.name)
    facts = [fact for fact in action.facts if isinstance(fact, DeviceFact)]
    devices.wait([fact.name for fact in facts if fact.value is not None])
    devices.wait([fact.name for fact in facts if fact.value is None], gone=True)


def _rendered(arguments: Iterable[Argument], context: Context, stack: ExitStack) -> tuple[list[str], list[int]]:
    """The arguments as text, and the open descriptors of the key files among them."""
    argv: list[str] = []
    keys: list[int] = []
    for argument in arguments:
        if isinstance(argument, TargetPath):
            argv.append(context.tree.outside(argument.path))
        elif isinstance(argument, DeviceName):
            argv.append(context.devices.node(argument.name))
        elif isinstance(argument, KeyFile):
            keys.append(stack.enter_context(context.bytes(argument.bytes)))
            argv.append(f"/proc/self/fd/{keys[-1]}")
        else:
            argv.append(argument)
    return argv, keys


def _input(stdin: Bytes | PathList | None, context: Context, stack: ExitStack) -> int | None:
    if stdin is None:
        return None
    if isinstance(stdin, PathList):
        paths = b"".join(os.fsencode(context.tree.outside(path)) + b"\0" for path in stdin.paths)
        return stack.enter_context(closing_descriptor(processes.memory_file(paths)))
    return stack.enter_context(context.bytes(stdin))


def _secrets(argv: Sequence[str], files: Sequence[int]) -> Iterator[str]:
    """The secrets to mask in the output of a tool: secret arguments, whole key files, and each word of a key file."""
    for number in files:
        key = os.pread(number, os.fstat(number).st_size, 0).decode(errors="replace")
        yield from (key, *key.split())
    yield from (one.reveal() for one in argv if isinstance(one, Secret))


def _started(
    title: str, argv: Sequence[str], stdin: int | None, keep: Sequence[int], context: Context
) -> processes.Finished:
    def report(line: str) -> None:
        context.log("notice", f"{title}: {line}")

    try:
        return processes.run(
            argv, stdin=stdin, keep=keep, confinement=context.confinement(argv[0]), watch=WatchSettings(report)
        )
    except FileNotFoundError as error:
        raise ToolFailed(f"{argv[0]} is not on PATH") from error


def _ended(program: str, status: int) -> str:
    return f"{program} was killed by signal {-status}" if status < 0 else f"{program} ended with status {status}"


def _shown(arguments: Iterable[Argument]) -> str:
    """A command line for the log, with the config's names of devices and paths, and masked secrets."""
    from shlex import quote

    return " ".join("KEYFILE" if isinstance(one, KeyFile) else quote(_plain(one)) for one in arguments)


def _plain(argument: str | TargetPath | DeviceName) -> str:
    if isinstance(argument, str):
        return format(argument)  # a Secret shows its mask
    return argument.path if isinstance(argument, TargetPath) else argument.name


def _write_table(action: WritePartitionTable, context: Context) -> None:
    context.devices.write_table(action.device, action.table, erase=action.erase, clear=action.clear)


def _mount(action: Mount, context: Context) -> None:
    path = context.place(action.path)
    options = (*action.options, *mounts.UNTRUSTED) if context.foreign else action.options
    mounts.mount(context.devices.node(action.device), path, action.format, options)
    context.mounted.append(path)


def _unmount(action: Unmount, context: Context) -> None:
    path = context.place(action.path)
    context.blob_store.leave(os.stat(path).st_dev)
    mounts.unmount(path)
    if path in context.mounted:
        context.mounted.remove(path)


def _set_password(action: SetPassword, context: Context) -> None:
    accounts.set_password(context.tree, action.database, action.name, action.hash)


def _store(action: StoreBlob, context: Context) -> None:
    with context.blob_store.writing(action.blob, "") as file:
        file.write(action.content.data)


def _forget(action: ForgetBlob, context: Context) -> None:
    context.blob_store.forget(action.blob)


def _update_boot_state(action: UpdateBootState, context: Context) -> None:
    context.state.current = action.state


def _keep(_action: Keep, _context: Context) -> None:
    """Do nothing: the action only tells the readers of a plan what is kept."""


EXECUTORS: Mapping[type, Callable[[Any, Context], None]] = {
    WaitForDevices: _await,
    RunProgram: _run,
    WritePartitionTable: _write_table,
    Mount: _mount,
    Unmount: _unmount,
    SetPassword: _set_password,
    StoreBlob: _store,
    ForgetBlob: _forget,
    UpdateBootState: _update_boot_state,
    Keep: _keep,
}
