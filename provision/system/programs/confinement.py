"""Run a tool on a tree, where it can reach nothing but that tree and the programs and libraries of one system.

On a foreign tree the tools of this machine run. Those for accounts change their root to the tree (`useradd --root`)
and then load the name service modules of the tree (nsswitch.conf(5)). So they run in namespaces of their own
(namespaces(7)). Their root has the programs and libraries of this machine, read-only, and the tree at its usual path.
In the tree no file can be executed or loaded as code, set-id bits have no effect, and no device can be opened
(noexec, nosuid, nodev; mmap(2): EPERM). There is no network, no /proc, no other process, no device except /dev/null,
and no capability except those to change files of any owner.

An initramfs has no tools for accounts. Those of the root that it starts get a root of the same kind, with the
programs and libraries of that root. It is trusted, so nothing else is taken from them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from provision.failures import Failure
from provision.system import libc, mount_table
from provision.system.programs import process_namespace
from provision.system.programs.process_namespace import FirstProcess
from provision.threads import Task

TOOL_DIRECTORIES = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""What a confined program sees of the system that it is of, with the libraries that it needs."""

_LIBRARY_CACHE = "/etc/ld.so.cache"
_NEW_ROOT = "/dev"
"""A directory that every machine has; only the confined thread sees what is mounted there."""

_NAMESPACES = libc.CLONE_NEWNS | libc.CLONE_NEWNET | libc.CLONE_NEWIPC | libc.CLONE_NEWUTS
_NULL = (1, 3)
"""/dev/null (Linux, Documentation/admin-guide/devices.txt)."""

_CAP_CHOWN, _CAP_DAC_OVERRIDE, _CAP_FOWNER, _CAP_FSETID, _CAP_SYS_CHROOT, _CAP_SYS_ADMIN = 0, 1, 3, 4, 18, 21
_FILES = frozenset({_CAP_CHOWN, _CAP_DAC_OVERRIDE, _CAP_FOWNER, _CAP_FSETID, _CAP_SYS_CHROOT})

ACCOUNT_TOOLS = ("useradd", "usermod", "userdel", "groupadd", "groupmod", "groupdel")

CONFINED: Mapping[str, frozenset[int]] = {
    **dict.fromkeys(ACCOUNT_TOOLS, _FILES),
    # a kernel without SELinux lets only CAP_SYS_ADMIN write labels (xattr(7), security namespace)
    "setfiles": _FILES | {_CAP_SYS_ADMIN},
    "systemctl": _FILES,
}
"""The tools that work on the contents of a tree, with the capabilities that they keep (capabilities(7))."""

_NEED_PROC = frozenset({"systemctl"})
"""Tools that open files again by /proc/self/fd. Their /proc shows no process that they may not trace: their own only
(Linux 5.8, Documentation/filesystems/proc.rst)."""


class Confinement(NamedTuple):
    """The tree (an absolute path) that a program can reach, and the capabilities it keeps.

    `programs` is the root of the system whose programs and libraries it has, and `program` its path in that root; both
    are empty for this machine. A system with programs of its own is trusted: only mounts are separate, and the programs
    keep all capabilities.
    """

    tree: str
    capabilities: frozenset[int] = frozenset()
    programs: str = ""
    program: str = ""

    def spawn(self, program: str, start: Callable[[Iterable[int]], int]) -> tuple[int, FirstProcess | None]:
        """Call `start` in the confinement, with descriptors that the program inherits; `program` is its path there.

        Returns the result of `start`, the process id of the program, and the first process of its namespace, if it has
        one, which the caller ends. Only the child process is confined, and a thread that ends with this call. Raises
        what `start` raises, or Failure if the kernel does not allow confinement.
        """

        def work() -> tuple[int, FirstProcess | None]:
            if self.programs:
                with self._refusal(program):
                    libc.unshare_mounts()
                    self._enter(program)
                return start([]), None
            with self._processes_or_refusal(program) as first:
                return start([first.pipe]), first

        return Task(work).result()

    @contextmanager
    def _processes_or_refusal(self, program: str) -> Iterator[FirstProcess]:
        """Confine this thread, and run the block; the namespace ends if the block fails. Raises Failure."""
        with self._refusal(program):
            libc.unshare(_NAMESPACES)
            first = process_namespace.begin()
        try:
            with self._refusal(program):
                self._enter(program)
            yield first
        except BaseException:
            first.end()
            raise
        finally:
            first.release()

    @contextmanager
    def _refusal(self, program: str) -> Iterator[None]:
        """Run the block; an OSError of it becomes a Failure."""
        try:
            yield
        except OSError as error:
            name = os.path.basename(program)
            raise Failure(
                f"{name} cannot be confined to {self.tree}: {error.strerror}",
                hint="this needs new namespaces: run it as root with CAP_SYS_ADMIN (a container needs --privileged)",
            ) from error

    def _enter(self, program: str) -> None:
        """Confine this thread, which has namespaces of its own. Raises OSError."""
        programs = () if self.programs else (os.path.dirname(os.path.realpath(program)), os.path.dirname(program))
        paths = dict.fromkeys((*TOOL_DIRECTORIES, _LIBRARY_CACHE, *programs))
        restricted = 0 if self.programs else libc.MS_NOSUID | libc.MS_NODEV
        with ExitStack() as stack:
            there = {path: self.programs + path for path in paths}
            opened = {path: _opened(source, stack) for path, source in there.items() if os.path.lexists(source)}
            tree = os.open(self.tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)  # the path may lead through links
            stack.callback(os.close, tree)
            libc.mount("tmpfs", _NEW_ROOT, "tmpfs", libc.MS_NOSUID | libc.MS_NOEXEC, "mode=755,size=1m")
            for path, fd in opened.items():
                _mount_open(path, fd, restricted and restricted | libc.MS_RDONLY)
            os.makedirs(f"{_NEW_ROOT}/dev", exist_ok=True)
            os.mknod(f"{_NEW_ROOT}/dev/null", stat.S_IFCHR | 0o666, os.makedev(*_NULL))
            _mount_open(self.tree, tree, restricted and restricted | libc.MS_NOEXEC)
            if os.path.basename(program) in _NEED_PROC:
                os.makedirs(f"{_NEW_ROOT}/proc", exist_ok=True)
                flags = libc.MS_RDONLY | libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC
                libc.mount("proc", f"{_NEW_ROOT}/proc", "proc", flags, "hidepid=4,subset=pid")
        read_only = libc.MS_RDONLY | libc.MS_NOSUID | libc.MS_NOEXEC
        libc.mount("none", _NEW_ROOT, None, libc.MS_REMOUNT | libc.MS_BIND | read_only)
        libc.change_root(_NEW_ROOT)
        if not self.programs:
            libc.keep_capabilities(self.capabilities)


def _opened(path: str, stack: ExitStack) -> int:
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    stack.callback(os.close, fd)
    return fd


def _mount_open(path: str, fd: int, flags: int) -> None:
    """Bind-mount the file or directory open as `fd` at a path of the new root; a link is copied. Raises OSError."""
    place = _NEW_ROOT + path
    mode = os.fstat(fd).st_mode
    if os.path.lexists(place) and not stat.S_ISDIR(mode):
        return
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink("", dir_fd=fd), place)
        return
    if stat.S_ISDIR(mode):
        os.makedirs(place, exist_ok=True)
    else:
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    libc.mount(f"/proc/thread-self/fd/{fd}", place, None, libc.MS_BIND | libc.MS_REC)
    for entry in mount_table.entries() if flags else ():
        if f"{entry.path}/".startswith(f"{place}/"):
            kept = libc.MS_RDONLY if "ro" in entry.options else 0
            libc.mount("none", entry.path, None, libc.MS_REMOUNT | libc.MS_BIND | flags | kept)
