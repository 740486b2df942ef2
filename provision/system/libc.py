"""System calls that Python 3.11 has no name for. ctypes is loaded at the first one."""

from __future__ import annotations

import errno
import os
import struct
from functools import cache
from typing import Any

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_IN_ROOT = 0x10

CLONE_NEWNS = 0x00020000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

MNT_DETACH = 2
_UMOUNT_NOFOLLOW = 8

_SYS_OPENAT2 = 437  # the same number on every architecture but alpha


def openat2(directory: int, path: str, flags: int, mode: int, resolve: int) -> int:
    """openat2(2), Linux 5.6: open a path below a directory, with rules on what its links may do. Raises OSError."""
    import ctypes

    how = struct.pack("QQQ", flags | os.O_CLOEXEC, mode, resolve)
    number, at, size = ctypes.c_long(_SYS_OPENAT2), ctypes.c_long(directory), ctypes.c_long(len(how))
    while True:
        fd: int = _libc().syscall(number, at, os.fsencode(path), how, size)
        if fd >= 0:
            return fd
        code = ctypes.get_errno()
        if code != errno.EAGAIN:  # a rename elsewhere crossed our `..`: openat2(2) says to try again
            raise OSError(code, os.strerror(code), path)


def syncfs(fd: int) -> None:
    """syncfs(2): everything on the file system of this descriptor is on its disk. Raises OSError."""
    _check(_libc().syncfs(fd), "syncfs")


def file_system(fd: int) -> int:
    """The magic number of the file system of a descriptor (fstatfs(2), the first field). Raises OSError."""
    import ctypes

    found = ctypes.create_string_buffer(256)
    _check(_libc().fstatfs(fd, found), "fstatfs")
    return int(struct.unpack_from("I", found.raw)[0])


def leave_mount_namespace() -> None:
    """Give this thread (and those it starts) mounts of its own: they vanish with the process. Raises OSError."""
    _check(_libc().unshare(CLONE_NEWNS), "unshare")
    _check(_libc().mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount")


def unmount(path: str, flags: int = 0) -> None:
    """umount2(2) without following a link at the end. Raises OSError."""
    _check(_libc().umount2(os.fsencode(path), flags | _UMOUNT_NOFOLLOW), path)


def _check(result: int, what: str) -> None:
    import ctypes

    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


@cache
def _libc() -> Any:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)
