"""Keep programs that work on disk images away from the disks of this machine.

`enter_sandbox` gives the process mounts of its own, with a /dev that has only the few nodes that every program needs.
`make_device_node` adds nodes of our loop devices and of devices built on them. Device nodes in other directories cannot
be opened (nodev). The directory of udevd is empty, so programs make their nodes themselves. All these mounts end with
the process, even when it is killed.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from provision.failures import Failure
from provision.system import libc

_HARMLESS = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
    "btrfs-control": (10, 234),
    "mapper/control": (10, 236),
    "loop-control": (10, 237),
}
"""Character devices by their numbers (Linux, Documentation/admin-guide/devices.txt)."""

_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_SHARED = "/dev/shm"  # noqa: S108 - it is not written to: images may lie there, and stay reachable
_UDEV = "/run/udev"


def enter_sandbox() -> None:
    """Confine this process and those that it starts. Call it before starting threads. Raises Failure if not allowed."""
    try:
        libc.unshare_mounts()
        with suppress(OSError):  # Linux before 5.12 cannot do it, nor a chroot whose root is not a mount point
            libc.forbid_devices("/")
        _fill_dev()
    except OSError as error:
        raise Failure(
            f"cannot hide the disks of this machine from programs: {error.strerror}",
            hint="this needs a new mount namespace: run it as root with CAP_SYS_ADMIN; a container needs --privileged",
        ) from error
    os.environ["MDADM_NO_UDEV"] = "1"


def make_device_node(node: str, number: str) -> bool:
    """Make the node of a block device (`major:minor`) if neither the kernel nor udevd has made it; whether it has."""
    if os.path.exists(node):
        return False
    major, minor = map(int, number.split(":"))
    try:
        os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(major, minor))
    except FileExistsError:
        return False
    return True


def make_fuse_node() -> None:
    """Make /dev/fuse (character device 10:229) if it does not exist, also in the sandbox. Raises OSError."""
    if not os.path.exists("/dev/fuse"):
        os.mknod("/dev/fuse", stat.S_IFCHR | 0o600, os.makedev(10, 229))


def _fill_dev() -> None:
    shared = os.open(_SHARED, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) if os.path.isdir(_SHARED) else -1
    libc.mount("tmpfs", "/dev", "tmpfs", libc.MS_NOSUID | libc.MS_NOEXEC, "mode=755,size=1m")
    os.mkdir("/dev/mapper")
    for name, (major, minor) in _HARMLESS.items():
        os.mknod(f"/dev/{name}", stat.S_IFCHR | 0o600, os.makedev(major, minor))
        os.chmod(f"/dev/{name}", 0o666 if major != 10 else 0o600)
    for name, target in _LINKS.items():
        os.symlink(target, f"/dev/{name}")
    if shared >= 0:
        os.mkdir(_SHARED)
        libc.mount(f"/proc/self/fd/{shared}", _SHARED, None, libc.MS_BIND)
        os.close(shared)
    if os.path.isdir(_UDEV):
        libc.mount("tmpfs", _UDEV, "tmpfs", libc.MS_NOSUID | libc.MS_NOEXEC, "mode=755,size=1m")
