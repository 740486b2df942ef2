"""Loop devices by their ioctls (loop(4)): a part of a file as a block device, until its descriptor is closed.

With LO_FLAGS_AUTOCLEAR the kernel detaches a loop device when no process has it open, so that even a killed process
leaves none behind.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import NamedTuple

from provision.system.block import sysfs
from provision.system.block.devices import DeviceFailed
from provision.system.programs import processes
from provision.system.programs.sandbox import make_device_node

_CONTROL = "/dev/loop-control"
_MAJOR = 7
_LOOP_SET_FD = 0x4C00
_LOOP_CLR_FD = 0x4C01
_LOOP_SET_STATUS64 = 0x4C04
_LOOP_GET_STATUS64 = 0x4C05
_LOOP_SET_BLOCK_SIZE = 0x4C09
_LOOP_CONFIGURE = 0x4C0A
_LOOP_CTL_GET_FREE = 0x4C82
_BLKFLSBUF = 0x1261
_AUTOCLEAR = 4

_INFO = struct.Struct("=QQQQQ IIII 64s64s32s QQ")
"""struct loop_info64 of <linux/loop.h>."""

_CONFIG = struct.Struct(f"=II {_INFO.size}s 8Q")
"""struct loop_config: fd, block_size, struct loop_info64, reserved."""

_TRIES = 64
_TAKEN = frozenset({errno.EBUSY, errno.ENXIO, errno.ENODEV, errno.ENOENT})
_GONE_SECONDS = 5.0


class LoopRange(NamedTuple):
    """The part of a file that a loop device shows: `size` bytes from `offset`, in sectors of `sector` bytes."""

    offset: int
    size: int
    sector: int


Configure = Callable[[int, int, LoopRange], None]
"""Attaches the free loop device of the first descriptor to a part of the file of the second."""


def configure_in_one_call(loop: int, file: int, part: LoopRange) -> None:
    """Attach by LOOP_CONFIGURE; before Linux 5.8, which does not have it, in steps. Raises OSError."""
    try:
        fcntl.ioctl(loop, _LOOP_CONFIGURE, _CONFIG.pack(file, part.sector, _info(part), *(0,) * 8))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        configure_in_steps(loop, file, part)


def configure_in_steps(loop: int, file: int, part: LoopRange) -> None:
    """Attach by LOOP_SET_FD and LOOP_SET_STATUS64. Raises OSError."""
    fcntl.ioctl(loop, _LOOP_SET_FD, file)
    try:
        _ioctl_with_retry(loop, _LOOP_SET_BLOCK_SIZE, part.sector)
        _ioctl_with_retry(loop, _LOOP_SET_STATUS64, _info(part))
    except OSError:
        fcntl.ioctl(loop, _LOOP_CLR_FD, 0)
        raise


class Loop:
    """A loop device over `size` bytes of a file from `offset`. Raises OSError, DeviceFailed."""

    def __init__(  # noqa: PLR0913 - the part's three numbers, and how it is attached
        self,
        file: str,
        offset: int,
        size: int,
        sector: int,
        configure: Configure = configure_in_one_call,
        *,
        read_only: bool = False,
    ) -> None:
        self._file = os.path.realpath(file)
        access = os.O_RDONLY if read_only else os.O_RDWR  # the kernel takes it over for the device
        self.node, self._fd = _attach(file, access, LoopRange(offset, size, sector), configure)

    def refresh(self) -> None:
        """Write the cache to the file and drop it, so that changes of the file become visible (BLKFLSBUF)."""
        fcntl.ioctl(self._fd, _BLKFLSBUF, 0)

    def detach(self) -> None:
        """Detach it now, or when the file system that is still mounted from it is unmounted.

        Raises OSError if some data could not be written to the file; the device is detached in any case.
        """
        if self._fd < 0:
            return
        try:
            os.fsync(self._fd)
        finally:
            with suppress(OSError):
                fcntl.ioctl(self._fd, _LOOP_CLR_FD, 0)
            os.close(self._fd)
            self._fd = -1

    def wait_until_gone(self) -> None:
        """After `detach`: wait a few seconds until no other process (a worker of udevd) has it open."""
        deadline = time.monotonic() + _GONE_SECONDS
        while self._is_attached() and time.monotonic() < deadline:
            time.sleep(0.002)  # there is no event when the last user closes it

    def _is_attached(self) -> bool:
        """Whether the node still shows our file; another program may have attached another one."""
        block = sysfs.named(os.path.basename(self.node))
        return block is not None and block.backing_file == self._file


def attached_to(file: str) -> str:
    """The node of a loop device of any program that shows this file; empty if there is none."""
    wanted = os.path.realpath(file)
    named = (block for block in sysfs.every() if block.backing_file == wanted)
    return next((block.node for block in named if _shows(block, wanted)), "")


def _shows(block: sysfs.Block, file: str) -> bool:
    """Whether a loop device shows this very file: the same path leads to another one in another mount namespace.

    It does if that cannot be found out.
    """
    status = bytearray(_INFO.size)
    try:
        here = os.stat(file)
        is_made = make_device_node(block.node, sysfs.read(block.path, "dev"))
        loop = os.open(block.node, os.O_RDONLY | os.O_CLOEXEC)
        if is_made:
            os.unlink(block.node)
    except OSError:
        return True
    try:
        fcntl.ioctl(loop, _LOOP_GET_STATUS64, status)
    except OSError:
        return True
    finally:
        os.close(loop)
    device, inode, *_ = _INFO.unpack(status)
    return (device, inode) == (here.st_dev, here.st_ino)


def _attach(file: str, access: int, part: LoopRange, configure: Configure) -> tuple[str, int]:
    with ExitStack() as stack:
        backing = os.open(file, access | os.O_CLOEXEC)
        stack.callback(os.close, backing)
        control = _control()
        stack.callback(os.close, control)
        for attempt in range(_TRIES):
            number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
            node = f"/dev/loop{number}"
            is_made = make_device_node(node, f"{_MAJOR}:{number}")
            fd = _configured(node, backing, part, configure)
            if fd is not None:
                return node, fd
            if is_made:
                os.unlink(node)  # it leads to another program's file now
            time.sleep(0.001 * attempt)
        raise OSError(errno.EBUSY, "other programs took every free loop device", file)


def _configured(node: str, backing: int, part: LoopRange, configure: Configure) -> int | None:
    """A descriptor of the loop device, attached; None if another program took or removed it first. Raises OSError."""
    fd = -1
    try:
        fd = os.open(node, os.O_RDWR | os.O_CLOEXEC)
        configure(fd, backing, part)
    except OSError as error:
        if fd >= 0:
            os.close(fd)
        if error.errno not in _TAKEN:
            raise
        return None
    return fd


def _control() -> int:
    """A descriptor of /dev/loop-control; the kernel module is loaded if necessary. Raises DeviceFailed."""
    for attempt in range(2):
        with suppress(OSError):
            return os.open(_CONTROL, os.O_RDWR | os.O_CLOEXEC)
        if attempt == 0 and processes.find("modprobe"):
            processes.run(["modprobe", "--quiet", "loop"])
    raise DeviceFailed("there are no loop devices", hint="load the kernel module `loop`, and allow /dev/loop-control")


def _info(part: LoopRange) -> bytes:
    return _INFO.pack(0, 0, 0, part.offset, part.size, 0, 0, 0, _AUTOCLEAR, b"", b"", b"", 0, 0)


def _ioctl_with_retry(loop: int, request: int, argument: int | bytes) -> None:
    """Repeat an ioctl while it fails with EAGAIN, because udevd has just read the file and its pages are cached."""
    for attempt in range(_TRIES):
        try:
            fcntl.ioctl(loop, request, argument)
        except BlockingIOError:
            time.sleep(0.001 * attempt)
        else:
            return
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
