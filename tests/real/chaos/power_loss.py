"""A file system that loses everything that is not on the disk, as at a power loss.

ext4 can shut down without writing its log or any dirty page (Linux, fs/ext4/ioctl.c, EXT4_IOC_SHUTDOWN).
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.system import libc
from tests.real.disks.loop_devices import MIB, blank

SIZE = 96 * MIB
_SHUTDOWN, _WITHOUT_LOG = 0x8004587D, 2


class Disk:
    """A new ext4 in an image, mounted at an empty folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._image = blank(folder.with_name("power.img"), SIZE)
        subprocess.run(["mkfs.ext4", "-q", "-F", self._image], check=True)
        self._mount()

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        with self._opened() as fd:
            libc.syncfs(fd)

    def lose_power(self) -> None:
        """Lose what is not on the disk, and mount the file system again.

        A copy of the image is mounted: another mount namespace may still have the file system that was shut down.
        """
        with self._opened() as fd:
            fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", _WITHOUT_LOG))
        self.unmount()
        old = self._image.rename(self._image.with_name("old-power.img"))
        subprocess.run(["cp", "--sparse=always", old, self._image], check=True)
        old.unlink()
        self._mount()

    def unmount(self) -> None:
        """Unmount the file system, now or as soon as no killed process has it any more."""
        subprocess.run(["umount", "--lazy", self._folder], check=True)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield fd
        finally:
            os.close(fd)

    def _mount(self) -> None:
        # with the default of 5 s the kernel would write what the engine has not synced
        subprocess.run(["mount", "-o", "loop,commit=600", self._image, self._folder], check=True)


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A file system in the place of an empty folder until the end of the block."""
    made = Disk(folder)
    try:
        (folder / "lost+found").rmdir()
        yield made
    finally:
        made.unmount()
