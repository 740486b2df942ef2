"""What is on the file systems of disk images while they are not mounted: looked at, and never changed."""

from __future__ import annotations

import os
from contextlib import suppress

from provision.failures import Failure
from provision.planning.boot_state import BootState
from provision.planning.machine_view import Contents
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
"""What keeps a file system from replaying its journal, for each that can be looked at (mount(8), btrfs(5), xfs(5))."""

_READ_ONLY = ("ro", "nodev", "nosuid", "noexec")


class UnmountedContents:
    """Contents by the name of the device, for a `Forecast`.

    As root the kernel mounts them read-only, from read-only loop devices, below `folder`, which has to be in a mount
    namespace of this process. Otherwise debugfs(8) reads ext4. Why others cannot be seen goes to `unseen`, by device.
    """

    def __init__(self, devices: ImageDevices, folder: str, unseen: dict[str, str], *, may_mount: bool) -> None:
        self._devices = devices
        self._folder = folder
        self._may_mount = may_mount
        self._found: dict[str, Contents | None] = {}
        self._mounted: list[tuple[str, Loop]] = []
        self._unseen = unseen

    def __call__(self, device: str) -> Contents | None:
        """The contents of the file system on a device; None where they cannot be seen."""
        if device not in self._found:
            try:
                self._found[device] = self._look(device)
            except (Failure, OSError) as error:
                self._found[device] = None
                self._unseen[device] = str(error)
        return self._found[device]

    def release(self) -> None:
        """Unmount everything. Contents that were given out do not answer any more."""
        self._found.clear()
        while self._mounted:
            path, loop = self._mounted.pop()
            mounts.unmount_lazily(path)
            loop.detach()
            loop.wait_until_gone()
            with suppress(OSError):
                os.rmdir(path)

    def _look(self, device: str) -> Contents:
        kind = self._devices.signature(device).type
        place = self._devices.location(device)
        if place is None:
            raise Failure(f"what is on {device} can only be seen when it is opened")
        if kind not in _OPTIONS:
            raise Failure(f"{kind or 'no file system'} on {device} cannot be looked into")
        if self._may_mount:
            return self._mount(kind, *place)
        if kind in _EXT and processes.find(PROGRAM):
            return ExtContents(place[0], place[1])
        raise Failure(f"to look at {kind} on {device} takes root" + (f", or {PROGRAM}" if kind in _EXT else ""))

    def _mount(self, kind: str, path: str, offset: int, size: int, sector: int) -> Contents:
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
