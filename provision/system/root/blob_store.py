"""Stores fetched bytes until they are written to their place. Other users can never read them.

Bytes for the target are in a nameless file (O_TMPFILE) on the file system of their destination. One link(2) gives it
its name, and a killed process leaves nothing behind. Bytes that later stages need are in the run directory, in 0600
files of a 0700 directory. On file systems without O_TMPFILE (vfat) a file has a name in such a directory for a short
time.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import BinaryIO

from provision.planning.arguments import Blob
from provision.system.root.guarded_paths import GuardedTree, parent

_READ_WRITE = os.O_RDWR | os.O_CLOEXEC
NO_TMPFILE = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL})
"""Errors of open(2) if a file system does not support O_TMPFILE."""


class BlobStore:
    """The blobs of this run, and those that earlier stages put into the run directory."""

    def __init__(self, tree: GuardedTree, folder: str) -> None:
        self._tree = tree
        self._folder = folder
        self._nameless: dict[str, int] = {}
        self._taken: set[str] = set()

    @contextmanager
    def writing(self, blob: Blob, destination: str) -> Iterator[BinaryIO]:
        """An empty file for the blob. It is kept when the block ends, and removed when the block raises."""
        if not destination:
            with self._named(blob) as file:
                yield file
            return
        _allow_many_files()
        fd, linkable = self._open_beside(destination)
        try:
            with open(os.dup(fd), "wb") as file:
                yield file
        except BaseException:
            os.close(fd)
            raise
        self.forget(blob)
        (self._taken.discard if linkable else self._taken.add)(blob.name)
        self._nameless[blob.name] = fd

    def open(self, blob: Blob) -> int:
        """A descriptor at the beginning of the blob; the caller closes it. Raises FileNotFoundError."""
        fd = self._nameless.get(blob.name)
        return os.open(self._path(blob) if fd is None else f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)

    def take(self, blob: Blob, device: int) -> int | None:
        """The blob's nameless file, if it is on that device (st_dev); else None, as in a second call."""
        fd = self._nameless.get(blob.name)
        if fd is None or blob.name in self._taken or os.fstat(fd).st_dev != device:
            return None
        self._taken.add(blob.name)
        return os.dup(fd)

    def forget(self, blob: Blob) -> None:
        """Erase the blob; nothing happens if there is none."""
        fd = self._nameless.pop(blob.name, None)
        if fd is not None:
            os.close(fd)
        with suppress(FileNotFoundError):
            os.unlink(self._path(blob))

    def leave(self, device: int) -> None:
        """Close the nameless files on a file system (`device` is its st_dev) that will be unmounted."""
        for name, fd in list(self._nameless.items()):
            if os.fstat(fd).st_dev == device:
                self.forget(Blob(name))

    def release(self) -> None:
        """Close the nameless files; those that have not got a name are deleted by that."""
        while self._nameless:
            os.close(self._nameless.popitem()[1])

    def _path(self, blob: Blob) -> str:
        return f"{self._folder}/{os.fsencode(blob.name).hex()}"

    def _open_beside(self, destination: str) -> tuple[int, bool]:
        """A descriptor of a nameless file, and whether link(2) can name it: it cannot if the file had a name before."""
        folder = parent(destination)[0]
        while self._tree.file_status(folder) is None:
            folder = parent(folder)[0]
        try:
            return self._tree.open(folder, os.O_TMPFILE | _READ_WRITE, 0o600), True
        except OSError as error:
            if error.errno not in NO_TMPFILE:
                raise
        with self._tree.folder(folder) as fd:
            return _unnamed(fd), False

    @contextmanager
    def _named(self, blob: Blob) -> Iterator[BinaryIO]:
        make_private_directory(self._folder)
        path = self._path(blob)
        with suppress(FileNotFoundError):
            os.unlink(path)
        try:
            with open(os.open(path, _READ_WRITE | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                yield file
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(path)
            raise


def make_private_directory(path: str) -> None:
    """Make a directory (0700), and those above it. Raises PermissionError if another user owns it."""
    os.makedirs(parent(path)[0], mode=0o755, exist_ok=True)
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
    found = os.lstat(path)
    if found.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "another user owns the directory", path)
    os.chmod(path, 0o700)


@cache
def _allow_many_files() -> None:
    """Raise the limit of open files (usually 1,024) as far as allowed, because every nameless blob is an open file."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _unnamed(directory: int) -> int:
    """A file in a new 0700 directory; both names are removed before anything is written."""
    name = f".provision-{os.urandom(6).hex()}"
    os.mkdir(name, 0o700, dir_fd=directory)
    inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        fd = os.open("blob", _READ_WRITE | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=inside)
        os.unlink("blob", dir_fd=inside)
    finally:
        os.close(inside)
        os.rmdir(name, dir_fd=directory)
    return fd
