"""The machine as the engine sees it: answers questions (MachineView) and carries out actions (System)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, TypeVar

from provision.failures import ActionFailed
from provision.log import Log, silent
from provision.planning.actions import Action
from provision.planning.arguments import Blob
from provision.planning.boot_state import BootState
from provision.planning.file_actions import FILE_ACTIONS, FileAction, WriteFile
from provision.planning.machine_view import (
    Account,
    Device,
    FileStatus,
    FreeSpace,
    LuksHeader,
    MountedFilesystem,
    OwnedHome,
    PartitionTable,
    Signature,
)
from provision.system import mount_table
from provision.system.block.devices import Devices
from provision.system.executors import EXECUTORS, EXPECTED, Context, StateHolder, error_text, hint_of
from provision.system.programs import account_tools, mkfs_trial, processes
from provision.system.root import accounts, files_and_links
from provision.system.root.blob_store import BlobStore
from provision.system.root.files_and_links import NodeFailed
from provision.system.root.guarded_paths import GuardedTree

_T = TypeVar("_T")


NOT_ENABLED = ("disabled", "masked", "masked-runtime", "bad", "not-found", "No such file or directory")
"""Ends of the output of `systemctl is-enabled` for a unit that is not enabled (systemctl(1), "is-enabled")."""


class Machine:
    """One target: the tree below `root`, block devices, and the boot state.

    Blobs that later stages need are kept in `run_dir`. Several threads may carry out actions at a time, if these change
    different things. `release` frees what this process holds.
    """

    def __init__(
        self,
        root: str,
        devices: Devices,
        state: BootState,
        run_dir: str = "/run/provision",
        log: Log = silent,
    ) -> None:
        foreign = devices.temporary and os.path.realpath(root) != "/"
        tree = GuardedTree(root)
        self._tree = tree
        self._devices = devices
        self._blob_store = BlobStore(tree, f"{run_dir}/blobs")
        self._context = Context(tree, devices, self._blob_store, StateHolder(state), log, [], foreign)

    # -- the view

    def device(self, name: str) -> Device | None:
        """See MachineView."""
        return _with_title(f"look for {name}", lambda: self._devices.device(name))

    def table(self, name: str) -> PartitionTable:
        """See MachineView."""
        return _with_title(f"read the partition table of {name}", lambda: self._devices.table(name))

    def signature(self, name: str) -> Signature:
        """See MachineView."""
        return _with_title(f"look at what is on {name}", lambda: self._devices.signature(name))

    def luks_header(self, name: str) -> LuksHeader | None:
        """See MachineView."""
        return _with_title(f"read the LUKS header of {name}", lambda: self._devices.luks_header(name))

    def file_status(self, path: str) -> FileStatus | None:
        """See MachineView."""
        return _with_title(f"look at {path}", lambda: self._tree.file_status(path))

    def children(self, path: str) -> Sequence[str]:
        """See MachineView."""
        return _with_title(f"list {path}", lambda: self._tree.children(path))

    def content(self, path: str) -> bytes | None:
        """See MachineView."""
        return _with_title(f"read {path}", lambda: self._tree.content(path))

    def host_file(self, path: str) -> bytes | None:
        """See MachineView."""
        return _with_title(f"read {path} of this machine", lambda: GuardedTree("/").content(path))

    def host_children(self, path: str) -> Sequence[str]:
        """See MachineView."""
        return _with_title(f"list {path} of this machine", lambda: GuardedTree("/").children(path))

    def user(self, name: str) -> Account | None:
        """See MachineView."""
        return _with_title(f"look for user {name}", lambda: accounts.user(self._tree, name))

    def group(self, name: str) -> Account | None:
        """See MachineView."""
        return _with_title(f"look for group {name}", lambda: accounts.group(self._tree, name))

    def mount(self, path: str) -> MountedFilesystem | None:
        """See MachineView."""
        try:
            entry = mount_table.at(self._context.place(path))
        except OSError:
            return None
        return MountedFilesystem(path, self._devices.name(entry.source), entry.format) if entry else None

    def mounts_below(self, path: str) -> Sequence[str]:
        """See MachineView."""
        try:
            folder = self._context.place(path).rstrip("/") + "/"
        except OSError:
            return ()
        points = sorted({entry.path for entry in mount_table.entries() if entry.path.startswith(folder)})
        return [f"{path.rstrip('/')}/{point.removeprefix(folder)}" for point in points]

    def free_space(self, path: str) -> FreeSpace | None:
        """See MachineView."""
        return _with_title(f"ask for the free space at {path}", lambda: self._tree.free_space(path))

    def enabled(self, unit: str) -> bool:
        """See MachineView. False without systemctl. Raises ActionFailed if systemctl gives no answer."""
        if self.tool("systemctl") is None:
            return False
        argv = ["systemctl", "--root", self._tree.root, "is-enabled", "--", unit]
        kept = self._context.confinement("systemctl")
        asked = _with_title(f"ask whether {unit} is enabled", lambda: processes.run(argv, confinement=kept))
        if asked.status and not asked.last_lines.endswith(NOT_ENABLED):
            raise ActionFailed(f"ask whether {unit} is enabled", asked.last_lines or f"status {asked.status}")
        return asked.status == 0

    def tool(self, name: str) -> str | None:
        """See MachineView."""
        root = os.path.abspath(self._tree.root)
        return _with_title(f"find {name}", lambda: account_tools.find(name, root, foreign=self._context.foreign))

    def mkfs_refusal(self, argv: Sequence[str], size: int) -> str:
        """See MachineView."""
        return mkfs_trial.refusal(argv, size)

    def account_refusal(self, argv: Sequence[str], files: Mapping[str, bytes], home: OwnedHome | None = None) -> bool:
        """See MachineView."""
        from provision.system.programs import account_trial

        return account_trial.refuses(argv, files, home, os.path.abspath(self._tree.root), foreign=self._context.foreign)

    def boot_state(self) -> BootState:
        """See MachineView; includes the changes by actions of this run."""
        return self._context.state.current

    # -- the changes

    def apply(self, action: Action) -> None:
        """Carry out one action. Raises ActionFailed with the end of the tool's output."""
        if isinstance(action, FILE_ACTIONS):
            self.apply_nodes([action])
            return
        carry_out = EXECUTORS.get(type(action))
        if carry_out is None:
            raise TypeError(f"{type(action).__name__} is not for the machine")
        try:
            carry_out(action, self._context)
        except EXPECTED as error:
            raise ActionFailed(action.title, error_text(error), hint=hint_of(error)) from error

    def apply_nodes(self, actions: Sequence[FileAction]) -> None:
        """Carry out actions on the tree that touch disjoint paths; many of them are synced together.

        Raises ActionFailed.
        """
        try:
            files_and_links.carry_out(self._tree, self._blob_store, actions)
        except NodeFailed as failed:
            cause = failed.__cause__ or failed
            raise ActionFailed(failed.action.title, error_text(cause), hint=hint_of(cause)) from failed

    def new_blob(self, blob: Blob, destination: str) -> AbstractContextManager[BinaryIO]:
        """A private file for the bytes of a blob; they are kept if the block ends without an exception.

        `destination` is the path of their later file; if it is empty, they are kept for later stages. Raises OSError.
        """
        return self._blob_store.writing(blob, destination)

    def append_digests(self, action: WriteFile) -> tuple[str, str]:
        """SHA-256 of a file's content now, and of the content with the parts of the action appended.

        Raises ActionFailed.
        """
        return _with_title(
            f"read {action.path}", lambda: files_and_links.append_digests(self._tree, self._blob_store, action)
        )

    def release(self) -> None:
        """Free what this process holds: nameless files, and for images also mounts and loop devices."""
        self._blob_store.release()
        if self._devices.temporary:
            self._context.unmount_all()
        self._devices.release()


def _with_title(title: str, look: Callable[[], _T]) -> _T:
    try:
        return look()
    except EXPECTED as error:
        raise ActionFailed(title, error_text(error), hint=hint_of(error)) from error
