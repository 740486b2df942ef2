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
from typing import NamedTuple

from tests.real.disks.loop_devices import MIB, blank

_SHUTDOWN, _WITHOUT_LOG = 0x8004587D, 2


class Disk(NamedTuple):
    """A file system in an image, mounted at a folder."""

    image: Path
    folder: Path

    def lose_power(self) -> None:
        """Lose what is not on the disk, and mount the file system again."""
        fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", _WITHOUT_LOG))
        finally:
            os.close(fd)
        self._unmount()
        self.mount()

    def mount(self) -> None:
        """Mount the file system."""
        # with the default commit=5 the kernel would write what the engine has not synced
        subprocess.run(["mount", "-o", "loop,commit=600", self.image, self.folder], check=True)

    def _unmount(self) -> None:
        subprocess.run(["umount", self.folder], check=True)


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A new file system, mounted at an empty folder until the end of the block."""
    made = Disk(blank(folder.with_name("power.img"), 64 * MIB), folder)
    subprocess.run(["mkfs.ext4", "-q", "-F", made.image], check=True)
    made.mount()
    try:
        (folder / "lost+found").rmdir()
        yield made
    finally:
        subprocess.run(["umount", folder], check=True)
