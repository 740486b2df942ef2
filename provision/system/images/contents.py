"""Reads the contents of file systems in disk images that are not mounted, and never changes them."""

from __future__ import annotations

import os
from contextlib import suppress

from provision.failures import Failure
from provision.planning.boot_state import BootState
from provision.planning.machine_view import TreeContents
from provision.system import mounts
from provision.system.block.image_devices import ImageDevices
from provision.system.block.loops import Loop
from provision.system.images.ext_contents import PROGRAM, ExtContents
from provision.system.machine import Machine
from provision.system.programs import processes

_EXT = frozenset({"ext2", "ext3", "ext4"})

_OPTIONS = {
    **dict.fromkeys(_EXT, ("noload",)),
    "xfs": ("norecovery", "nouuid"),
    "btrfs": ("rescue=nologreplay",),
    "vfat": (),
}
"""File system -> mount options that prevent a replay of its journal (mount(8), btrfs(5), xfs(5))."""

_READ_ONLY = ("ro", "nodev", "nosuid", "noexec")


class UnmountedContents:
    """The contents of file systems by the name of their device, for a `Forecast`.

    As root they are mounted read-only, from read-only loop devices, below `folder`, which has to be in a mount
    namespace of this process. Otherwise debugfs(8) reads ext4. `unseen` gets the devices that cannot be read, with the
    reasons.
    """

    def __init__(self, devices: ImageDevices, folder: str, unseen: dict[str, str], *, may_mount: bool) -> None:
        self._devices = devices
        self._folder = folder
        self._may_mount = may_mount
        self._found: dict[str, TreeContents | None] = {}
        self._mounted: list[tuple[str, Loop]] = []
        self._unseen = unseen

    def __call__(self, device: str) -> TreeContents | None:
        """The contents of the file system on a device; None if they cannot be read."""
        if device not in self._found:
            try:
                self._found[device] = self._look(device)
            except (Failure, OSError) as error:
                self._found[device] = None
                self._unseen[device] = str(error)
        return self._found[device]

    def release(self) -> None:
        """Unmount everything. Contents that were returned before cannot be used after this."""
        self._found.clear()
        while self._mounted:
            path, loop = self._mounted.pop()
            mounts.unmount_lazily(path)
            loop.detach()
            loop.wait_until_gone()
            with suppress(OSError):
                os.rmdir(path)

    def _look(self, device: str) -> TreeContents:
        kind = self._devices.signature(device).type
        place = self._devices.location(device)
        if place is None:
            raise Failure(f"the contents of {device} are known only after it is opened")
        if kind not in _OPTIONS:
            raise Failure(f"{kind or 'no file system'} on {device} cannot be read")
        if self._may_mount:
            return self._mount(kind, *place)
        if kind in _EXT and processes.find(PROGRAM):
            return ExtContents(place[0], place[1])
        raise Failure(f"reading {kind} on {device} needs root" + (f", or {PROGRAM}" if kind in _EXT else ""))

    def _mount(self, kind: str, path: str, offset: int, size: int, sector: int) -> TreeContents:
        point = os.path.join(self._folder, str(len(self._mounted)))
        os.mkdir(point, 0o700)
        loop = Loop(path, offset, size, sector, read_only=True)
        try:
            mounts.mount(loop.node, point, kind, [*_READ_ONLY, *_OPTIONS[kind]])
        except BaseException:
            loop.detach()
            raise
        self._mounted.append((point, loop))
        return Machine(point, ImageDevices({}), BootState())
