"""System calls that Python 3.11 does not have. ctypes is loaded at the first call."""

from __future__ import annotations

import errno
import os
import signal
import struct
from collections.abc import Iterable
from functools import cache
from typing import Any

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_IN_ROOT = 0x10

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWNET = 0x40000000
_CLONE_NEWPID = 0x20000000
MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_SHARED = 0x100000

MNT_DETACH = 2
_RENAME_NOREPLACE = 1
_UMOUNT_NOFOLLOW = 8

# the same numbers on every architecture except alpha
_SYS_OPENAT2 = 437
_SYS_PIDFD_GETFD = 438
_SYS_MOUNT_SETATTR = 442

_PR_SET_IO_FLUSHER = 57
_PR_SET_PDEATHSIG = 1

_PR_SET_DUMPABLE = 4
_RB_AUTOBOOT, _RB_POWER_OFF = 0x01234567, 0x4321FEDC
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
CAP_IPC_LOCK = 14
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAPABILITY_VERSION_3 = 0x20080522

_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_NODEV = 0x4


def openat2(directory: int, path: str, flags: int, mode: int, resolve: int) -> int:
    """openat2(2), Linux 5.6: open a path below a directory; `resolve` is a set of RESOLVE_ flags about links.

    Returns a descriptor, which the caller closes. Raises OSError."""
    import ctypes

    how = struct.pack("QQQ", flags | os.O_CLOEXEC, mode, resolve)
    number, at, size = ctypes.c_long(_SYS_OPENAT2), ctypes.c_long(directory), ctypes.c_long(len(how))
    while True:
        fd: int = _libc().syscall(number, at, os.fsencode(path), how, size)
        if fd >= 0:
            return fd
        code = ctypes.get_errno()
        if code != errno.EAGAIN:  # a rename happened while `..` was resolved: openat2(2) says to try again
            raise OSError(code, os.strerror(code), path)


def rename_exclusively(old: str, new: str, folder: int) -> None:
    """Rename within a directory (a descriptor), unless the new name exists (renameat2(2), RENAME_NOREPLACE).

    Raises OSError: EEXIST if the new name exists, EINVAL or ENOSYS if the file system or libc does not support it.
    """
    function = getattr(_libc(), "renameat2", None)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), new)
    _check(function(folder, os.fsencode(old), folder, os.fsencode(new), _RENAME_NOREPLACE), new)


def syncfs(fd: int) -> None:
    """syncfs(2): everything on the file system of this descriptor is on its disk. Raises OSError."""
    _check(_libc().syncfs(fd), "syncfs")


def file_system(fd: int) -> int:
    """The magic number of the file system of a descriptor (fstatfs(2), the first field). Raises OSError."""
    import ctypes

    found = ctypes.create_string_buffer(256)
    _check(_libc().fstatfs(fd, found), "fstatfs")
    return int(struct.unpack_from("I", found.raw)[0])


def unshare_mounts() -> None:
    """Give this thread (and those it starts) mounts of its own, which end with the process. Raises OSError."""
    unshare(CLONE_NEWNS)


def unshare(namespaces: int) -> None:
    """Give this thread namespaces of its own (unshare(2)), that of mounts among them. Raises OSError.

    In a chroot whose root is no mount point only the mounts at and below /dev become its own.
    """
    _check(_libc().unshare(namespaces), "unshare")
    try:
        mount("none", "/", None, MS_REC | MS_PRIVATE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        mount("none", "/dev", None, MS_REC | MS_PRIVATE)


def unshare_processes() -> None:
    """Give the programs that this thread starts a namespace of process ids, from the first on. Raises OSError."""
    _check(_libc().unshare(_CLONE_NEWPID), "unshare")


def set_io_flusher(*, on: bool) -> None:
    """With `on`, programs started from now on do not wait for the writing of dirty pages when they need memory.

    A program that serves a block device needs this (PR_SET_IO_FLUSHER, prctl(2), Linux 5.6). Raises OSError.
    """
    _check(_libc().prctl(_PR_SET_IO_FLUSHER, int(on), 0, 0, 0), "prctl")


def enter_mounts(process: int) -> None:
    """Get the mounts of the process of a pidfd (setns(2), Linux 5.8). Call it without other threads. Raises OSError."""
    _check(_libc().setns(process, CLONE_NEWNS), "setns")


def descriptor_of(process: int, number: int) -> int:
    """A duplicate of a descriptor of the process of a pidfd (pidfd_getfd(2), Linux 5.6). Raises OSError."""
    import ctypes

    call, zero = ctypes.c_long(_SYS_PIDFD_GETFD), ctypes.c_long(0)
    fd: int = _libc().syscall(call, ctypes.c_long(process), ctypes.c_long(number), zero)
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "pidfd_getfd")
    return fd


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent, a process with one thread, ends (prctl(2)). Raises OSError.

    If that parent has ended already, this process ends now.
    """
    _check(_libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def become_root_of_a_user_namespace() -> None:
    """Give this process a user namespace in which it is root, with no rights outside of it (user_namespaces(7)).

    It needs no rights, but the settings of the kernel may forbid it. Call it before starting threads, because it fails
    in a process with several. Raises OSError.
    """
    user, group = os.geteuid(), os.getegid()
    _check(_libc().unshare(CLONE_NEWUSER), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def change_root(path: str) -> None:
    """Make a mount point the root of this thread, and unmount the old root (pivot_root(2)). Raises OSError.

    In a chroot whose root is not a mount point pivot_root(2) fails; then chroot(2) is used.
    """
    os.chdir(path)
    if _libc().pivot_root(b".", b".") == 0:
        unmount(".", MNT_DETACH)
    else:
        os.chroot(".")
    os.chdir("/")


def keep_capabilities(numbers: Iterable[int]) -> None:
    """Limit the programs that this thread starts to these capabilities; this cannot be undone. Raises OSError.

    See capabilities(7). Set-id bits and file capabilities have no effect any more (PR_SET_NO_NEW_PRIVS, prctl(2)). The
    thread itself keeps CAP_IPC_LOCK too, without which it gets no memory after `keep_memory_private`; a program does
    not get it, because it is not in the bounding set.
    """
    import ctypes

    kept = frozenset(numbers)
    libc = _libc()
    for number in range(64):
        if number not in kept:
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # EINVAL for one that this kernel does not know
    _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    header = struct.pack("II", _CAPABILITY_VERSION_3, 0)
    found = ctypes.create_string_buffer(24)
    _check(libc.capget(header, found), "capget")
    _, permitted_low, _, _, permitted_high, _ = struct.unpack("6I", found.raw)
    mask = sum(1 << number for number in {*kept, CAP_IPC_LOCK}) & (permitted_low | permitted_high << 32)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    _check(libc.capset(header, struct.pack("6I", low, low, 0, high, high, 0)), "capset")


def end_kernel(*, power_off: bool) -> None:
    """Power the machine off or restart it now, without ending programs or unmounting (reboot(2)). Raises OSError."""
    _check(_libc().reboot(_RB_POWER_OFF if power_off else _RB_AUTOBOOT), "reboot")


def forbid_core_dumps() -> None:
    """Leave no core dump of this process, nor of programs that it starts (RLIMIT_CORE, getrlimit(2)).

    systemd-coredump gets dumps in spite of this limit, but does not store them (systemd-coredump(8)).
    """
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def keep_memory_private() -> None:
    """Keep the secrets of this process in its memory. Call it before it has any secrets.

    There are no core dumps, no other process of its user can read the memory (PR_SET_DUMPABLE, prctl(2)), and it is not
    swapped out (mlockall(2)). The last is done only for root with CAP_IPC_LOCK, because otherwise RLIMIT_MEMLOCK would
    make allocations fail.
    """
    forbid_core_dumps()
    libc = _libc()
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if os.geteuid() == 0 and libc.prctl(_PR_CAPBSET_READ, CAP_IPC_LOCK, 0, 0, 0) == 1:
        libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)  # before Linux 4.4 it fails, and nothing is locked


def mount(source: str, path: str, kind: str | None, flags: int, data: str = "") -> None:
    """mount(2). Raises OSError."""
    encoded = [os.fsencode(source), os.fsencode(path), kind and kind.encode(), flags, data.encode() or None]
    _check(_libc().mount(*encoded), path)


def forbid_devices(path: str) -> None:
    """Set nodev for a mount point and all mounts below it (mount_setattr(2), Linux 5.12). Raises OSError."""
    import ctypes

    attributes = struct.pack("QQQQ", _MOUNT_ATTR_NODEV, 0, 0, 0)
    number, size = ctypes.c_long(_SYS_MOUNT_SETATTR), ctypes.c_long(len(attributes))
    _check(_libc().syscall(number, -100, os.fsencode(path), _AT_RECURSIVE, attributes, size), path)


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
