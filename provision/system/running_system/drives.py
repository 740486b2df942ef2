"""Drives that hold a config: mounted read-only, where nobody else looks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from provision.failures import FetchFailed
from provision.system import mounts

DRIVE_OPTIONS = ("ro", "nosuid", "nodev", "noexec")

DRIVES = "/run/provision-drives"

# linux/cdrom.h
CDROM_DRIVE_STATUS = 0x5326

CDS_DISC_OK = 4


@contextmanager
def _mounted(device: str, kind: str) -> Iterator[str]:
    os.makedirs(DRIVES, mode=0o700, exist_ok=True)
    root = f"{DRIVES}/{os.getpid()}-{os.urandom(4).hex()}"
    os.mkdir(root, 0o700)
    try:
        mounts.mount(device, root, kind, DRIVE_OPTIONS)
        try:
            yield root
        finally:
            mounts.unmount(root)
    except mounts.MountFailed as error:
        raise FetchFailed(
            device, f"cannot be mounted: {error}", hint="is its file system known to the kernel?"
        ) from error
    finally:
        os.rmdir(root)


def _has_disc(node: str) -> bool:
    import fcntl

    try:
        fd = os.open(node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return fcntl.ioctl(fd, CDROM_DRIVE_STATUS) == CDS_DISC_OK
    except OSError:
        return False
    finally:
        os.close(fd)
