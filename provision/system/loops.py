"""Loop devices by their ioctls (loop(4)): part of a file as a block device, gone when its descriptor is closed.

With LO_FLAGS_AUTOCLEAR the kernel takes a loop device apart when nobody has it open any more, so that even a killed
process leaves none behind.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from contextlib import ExitStack, suppress

from provision.system import processes
from provision.system.devices import DeviceFailed
from provision.system.enclosure import present

_CONTROL = "/dev/loop-control"
_MAJOR = 7
_LOOP_CLR_FD = 0x4C01
_LOOP_CONFIGURE = 0x4C0A
_LOOP_CTL_GET_FREE = 0x4C82
_BLKFLSBUF = 0x1261
_AUTOCLEAR = 4

_CONFIG = struct.Struct("=II QQQQQ IIII 64s64s32s QQ 8Q")
"""struct loop_config of <linux/loop.h>: fd, block_size, struct loop_info64, reserved."""

_TRIES = 64
_TAKEN = frozenset({errno.EBUSY, errno.ENXIO, errno.ENODEV, errno.ENOENT})
_GONE_SECONDS = 5.0


class Loop:
    """A loop device over `size` bytes of a file from `offset`. Raises OSError, DeviceFailed."""

    def __init__(self, file: str, offset: int, size: int, sector: int) -> None:
        self._file = os.path.realpath(file)
        self.node, self._fd = _attach(file, offset, size, sector)

    def refresh(self) -> None:
        """Write out what was written through it, and read anew what somebody else may have changed below it."""
        fcntl.ioctl(self._fd, _BLKFLSBUF, 0)

    def detach(self) -> None:
        """Take it apart now; if a file system on it is still mounted, when that is gone."""
        if self._fd < 0:
            return
        os.fsync(self._fd)
        with suppress(OSError):
            fcntl.ioctl(self._fd, _LOOP_CLR_FD, 0)
        os.close(self._fd)
        self._fd = -1

    def wait_until_gone(self) -> None:
        """After `detach`: as long as somebody else (a worker of udevd) has it open it stays; wait, within reason."""
        deadline = time.monotonic() + _GONE_SECONDS
        while self._is_attached() and time.monotonic() < deadline:
            time.sleep(0.002)  # nothing tells when the last one closes it

    def _is_attached(self) -> bool:
        """Whether the node stands for our file; it may be somebody else's by now."""
        return _backing_file(os.path.basename(self.node)) == self._file


def attached_to(file: str) -> str:
    """The node of a loop device over this file, whoever attached it; empty if there is none."""
    wanted = os.path.realpath(file)
    for name in os.listdir("/sys/block"):
        if name.startswith("loop") and _backing_file(name) == wanted:
            return f"/dev/{name}"
    return ""


def _backing_file(name: str) -> str:
    with suppress(OSError), open(f"/sys/block/{name}/loop/backing_file", "rb") as file:
        return os.fsdecode(file.read()).rstrip("\n")
    return ""


def _attach(file: str, offset: int, size: int, sector: int) -> tuple[str, int]:
    with ExitStack() as stack:
        backing = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        stack.callback(os.close, backing)
        control = _control()
        stack.callback(os.close, control)
        config = _config(backing, offset, size, sector)
        for attempt in range(_TRIES):
            node = _node(fcntl.ioctl(control, _LOOP_CTL_GET_FREE))
            fd = _configured(node, config)
            if fd is not None:
                return node, fd
            time.sleep(0.001 * attempt)
        raise OSError(errno.EBUSY, "every free loop device was taken by somebody else", file)


def _configured(node: str, config: bytes) -> int | None:
    """The loop device, ours now; None if somebody else was quicker to take it, or to remove it. Raises OSError."""
    fd = -1
    try:
        fd = os.open(node, os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(fd, _LOOP_CONFIGURE, config)
    except OSError as error:
        if fd >= 0:
            os.close(fd)
        if error.errno not in _TAKEN:
            raise
        return None
    return fd


def _control() -> int:
    """The device that hands out free loop devices; the kernel's module is loaded if it has to be."""
    for attempt in range(2):
        with suppress(OSError):
            return os.open(_CONTROL, os.O_RDWR | os.O_CLOEXEC)
        if attempt == 0 and processes.find("modprobe"):
            processes.run(["modprobe", "--quiet", "loop"])
    raise DeviceFailed("there are no loop devices", hint="load the kernel module `loop`, and allow /dev/loop-control")


def _config(backing: int, offset: int, size: int, sector: int) -> bytes:
    unused = (b"", b"", b"", 0, 0, *(0,) * 8)
    return _CONFIG.pack(backing, sector, 0, 0, 0, offset, size, 0, 0, 0, _AUTOCLEAR, *unused)


def _node(number: int) -> str:
    path = f"/dev/loop{number}"
    present(path, f"{_MAJOR}:{number}")
    return path
