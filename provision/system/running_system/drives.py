"""Drives that hold a config: mounts them read-only in a private folder, and finds out how they are attached."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from provision.failures import FetchFailed
from provision.system import mounts

DRIVE_OPTIONS = ("ro", "nosuid", "nodev", "noexec")

SHARE = "9p:"
"""The beginning of the name of a folder that the hypervisor shares by 9p; the rest is its tag."""

SHARE_OPTIONS = ("trans=virtio", "version=9p2000.L")

DRIVES = "/run/provision-drives"

# linux/cdrom.h
CDROM_DRIVE_STATUS = 0x5326

CDS_DISC_OK = 4


@contextmanager
def mounted_drive(device: str, kind: str, options: Sequence[str] = ()) -> Iterator[str]:
    """The folder on which a drive is mounted during the block; `kind` has file system types, separated by commas.

    Raises FetchFailed.
    """
    os.makedirs(DRIVES, mode=0o700, exist_ok=True)
    root = f"{DRIVES}/{os.getpid()}-{os.urandom(4).hex()}"
    os.mkdir(root, 0o700)
    try:
        if device.startswith(SHARE):
            mounts.mount(device.removeprefix(SHARE), root, "9p", (*DRIVE_OPTIONS, *SHARE_OPTIONS))
        else:
            mounts.mount(device, root, kind, (*options, *DRIVE_OPTIONS))
        try:
            yield root
        finally:
            # another thread may be starting a program, which has our files open until exec(2): not an error
            mounts.unmount_lazily(root)
    except mounts.MountFailed as error:
        raise FetchFailed(
            device, f"cannot be mounted: {error}", hint="check that the kernel supports its file system"
        ) from error
    finally:
        os.rmdir(root)


def has_disc(node: str) -> bool:
    """Whether a CD drive has a readable disc (ioctl CDROM_DRIVE_STATUS of <linux/cdrom.h>)."""
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


EXTERNAL_BUSES = {"usb": "USB", "fw": "FireWire"}
"""The buses for devices outside of a machine, by the beginning of their names in a path of sysfs (`usb1`, `fw0`)."""


def external_bus(sysfs: str, device: str) -> str:
    """The bus that attaches a block device from outside the machine, or "a removable card or port"; empty if none does.

    Sources: Documentation/ABI/testing/sysfs-devices-removable (`removable`, above a device in an external port) and
    sysfs-bus-mmc (`type` is SD for a card, MMC for what is soldered). The attribute `removable` of the block device
    itself does not help: every CD drive has it, even a virtual one.
    """
    name = os.path.basename(os.path.realpath(device))
    path = os.path.realpath(f"{sysfs}/class/block/{name}")
    if not os.path.isdir(path):
        return ""
    for part in path.split("/"):
        for beginning, bus in EXTERNAL_BUSES.items():
            if part.startswith(beginning) and part.removeprefix(beginning).isdecimal():
                return bus
    root = os.path.realpath(sysfs)
    while path.startswith(f"{root}/"):
        if _text(f"{path}/removable") == "removable" or _text(f"{path}/type") == "SD":
            return "a removable card or port"
        path = os.path.dirname(path)
    return ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
