"""Opens paths of the target root so that no link leads out of it.

The kernel resolves paths as in a chroot (openat2(2), RESOLVE_IN_ROOT). If it cannot (before 5.6, or because of a
seccomp filter), `walk` does the same on descriptors, one component at a time.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from provision.planning.machine_view import MAX_LINKS, FileStatus, FileType, FreeSpace
from provision.system import libc

MAX_CONTENT = 16 << 20

_IN_ROOT = libc.RESOLVE_IN_ROOT | libc.RESOLVE_NO_MAGICLINKS
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG})
_NO_OPENAT2 = frozenset({errno.ENOSYS, errno.EPERM})
_WITHOUT_MODES = frozenset({0x4D44, 0x2011BAB0})
"""vfat and exfat: modes come from mount options, and chmod(2) is ignored (<linux/magic.h>)."""

_PLAIN = frozenset({0xEF53, 0x58465342, 0x4D44, 0x01021994})
"""ext2 to ext4, xfs, vfat and tmpfs, which do not compress: a file needs as many bytes as it has (<linux/magic.h>)."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class GuardedTree:
    """The file tree below one directory. Paths are absolute inside the tree."""

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/") or "/"

    def outside(self, path: str) -> str:
        """The path outside of the tree, as other programs of this machine name it."""
        return self.root if path == "/" else f"{self.root.rstrip('/')}{path}"

    def open(self, path: str, flags: int, mode: int = 0) -> int:
        """A descriptor; the caller closes it. Raises OSError."""
        # the root is opened each time, because a file system may have been mounted there in the meantime
        root = os.open(self.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return _open_in(root, path, flags, mode)
        finally:
            os.close(root)

    @contextmanager
    def folder(self, path: str) -> Iterator[int]:
        """A directory, open for reading, until the end of the block. Raises OSError."""
        fd = self.open(path, _FOLDER)
        try:
            yield fd
        finally:
            os.close(fd)

    def file_status(self, path: str) -> FileStatus | None:
        """The status of the file at a path; a link at its end is not followed. None if the path does not exist.

        Raises OSError.
        """
        with suppress_absence():
            fd = self.open(path, os.O_PATH | os.O_NOFOLLOW)
            try:
                return _node(fd)
            finally:
                os.close(fd)
        return None

    def children(self, path: str) -> list[str]:
        """Sorted names in a directory; empty if there is none. Raises OSError."""
        with suppress_absence(), self.folder(path) as fd:
            return sorted(os.listdir(fd))
        return []

    def free_space(self, path: str) -> FreeSpace | None:
        """Free bytes of the file system of a directory, or of the nearest one above it; None if not known.

        Raises OSError.
        """
        while self.file_status(path) is None and path != "/":
            path = parent(path)[0]
        with suppress_absence(), self.folder(path) as fd:
            if libc.file_system(fd) in _PLAIN:
                found = os.fstatvfs(fd)
                return FreeSpace(str(os.fstat(fd).st_dev), found.f_bfree * found.f_frsize)
        return None

    def open_regular(self, path: str, flags: int) -> int:
        """A descriptor of a regular file; the caller closes it. A link at the end is not followed.

        A device or FIFO is not opened, because opening it can have effects. Raises OSError; EINVAL if the file is not
        regular.
        """
        found = self.open(path, os.O_PATH | os.O_NOFOLLOW)
        try:
            if not stat.S_ISREG(os.fstat(found).st_mode):
                raise OSError(errno.EINVAL, "is not a regular file", self.outside(path))
            return os.open(f"/proc/self/fd/{found}", flags | os.O_CLOEXEC)
        finally:
            os.close(found)

    def check_regular(self, path: str) -> None:
        """Check that a program that reads the file at a path (links are followed) ends; a missing file is allowed.

        Raises OSError if the file is not regular, or is larger than 16 MiB on its disk.
        """
        with suppress_absence():
            fd = self.open(path, os.O_PATH)
            try:
                found = os.fstat(fd)
            finally:
                os.close(fd)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "is not a regular file", self.outside(path))
            if found.st_size > MAX_CONTENT:
                raise OSError(errno.EFBIG, f"is larger than {MAX_CONTENT >> 20} MiB", self.outside(path))

    def content(self, path: str) -> bytes | None:
        """The bytes of a regular file of at most 16 MiB; None for everything else. Raises OSError."""
        try:
            return self.whole_content(path)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.EFBIG}:
                raise
        return None

    def whole_content(self, path: str) -> bytes | None:
        """The bytes of a file; None if the path does not exist.

        Raises OSError: EINVAL if the file is not regular, EFBIG if it is larger than 16 MiB.
        """
        with suppress_absence(), open(self.open_regular(path, os.O_RDONLY), "rb") as file:
            small = os.fstat(file.fileno()).st_size <= MAX_CONTENT
            data = file.read(MAX_CONTENT + 1) if small else b""  # files of /proc and /sys have size 0
            if not small or len(data) > MAX_CONTENT:
                raise OSError(errno.EFBIG, f"is larger than {MAX_CONTENT >> 20} MiB", self.outside(path))
            return data
        return None


@contextmanager
def suppress_absence() -> Iterator[None]:
    """Ignore an OSError of the block that says that a path does not exist. Other errors are raised."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise


def parent(path: str) -> tuple[str, str]:
    """The directory of a path and its last component (`.` for the root itself)."""
    above, _, name = path.rstrip("/").rpartition("/")
    return above or "/", name or "."


def _node(fd: int) -> FileStatus:
    found = os.fstat(fd)
    identity = (found.st_dev, found.st_ino)
    mode = None if libc.file_system(fd) in _WITHOUT_MODES else stat.S_IMODE(found.st_mode)
    uid, gid = found.st_uid, found.st_gid
    if stat.S_ISREG(found.st_mode):
        return FileStatus(FileType.FILE, mode, uid, gid, size=found.st_size, identity=identity)
    if stat.S_ISLNK(found.st_mode):
        return FileStatus(FileType.LINK, mode, uid, gid, target=os.readlink("", dir_fd=fd), identity=identity)
    kind = FileType.DIRECTORY if stat.S_ISDIR(found.st_mode) else FileType.OTHER
    return FileStatus(kind, mode, uid, gid, identity=identity)


def _open_in(root: int, path: str, flags: int, mode: int) -> int:
    try:
        return libc.openat2(root, path, flags, mode, _IN_ROOT)
    except OSError as error:
        if error.errno not in _NO_OPENAT2:
            raise
    return walk(root, path, flags, mode)


def walk(root: int, path: str, flags: int, mode: int = 0) -> int:
    """Open a path as openat2 with RESOLVE_IN_ROOT does, for kernels without it. Raises OSError."""
    pending = _steps(path)
    above = [os.dup(root)]
    links = 0
    try:
        while pending:
            name = pending.pop()
            if name == ".":
                continue
            if name == "..":
                if len(above) > 1:
                    os.close(above.pop())
                continue
            target = _link_target(above[-1], name) if pending or not flags & os.O_NOFOLLOW else None
            if target is None:
                if not pending:
                    return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=above[-1])
                above.append(os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above[-1]))
                continue
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if target.startswith("/"):
                _close_all(above[1:])
                del above[1:]
            pending += _steps(target)
        return os.open(".", flags | os.O_CLOEXEC, mode, dir_fd=above[-1])
    finally:
        _close_all(above)


def _steps(path: str) -> list[str]:
    """The components of a path, last one first; after a slash at the end the first one is `.`."""
    return [part for part in reversed((path + "." if path.endswith("/") else path).split("/")) if part]


def _link_target(directory: int, name: str) -> str | None:
    with suppress(OSError):
        return os.readlink(name, dir_fd=directory)
    return None


def _close_all(descriptors: list[int]) -> None:
    for fd in descriptors:
        os.close(fd)


@contextmanager
def closing_descriptor(fd: int) -> Iterator[int]:
    """Close a file descriptor at the end of a block."""
    try:
        yield fd
    finally:
        os.close(fd)
