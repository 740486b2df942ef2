"""Copies a whole file system: owners, modes, times, extended attributes, ACLs, hard links, holes and special files."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from typing import NamedTuple

from provision.failures import Failure
from provision.system import libc

XATTR_NAMESPACES = ("user.", "trusted.", "security.", "system.posix_acl_")
"""Beginnings of the names that are copied, ACLs too (acl(5), xattr(7)). Others belong to a file system."""

_OWN_FORM = "trusted.SGI_ACL_"
"""XFS also shows ACLs under such names, in a form of its own."""

_CHUNK = 16 << 20

Attributes = dict[str, bytes]

KeptAttributes = dict[str, Attributes]
"""Attributes that the copy could not hold, by the path of their node: tmpfs has none of users before Linux 6.6."""


class Copied(NamedTuple):
    """What was copied: how many nodes, and the attributes that the copy could not hold."""

    nodes: int
    kept: KeptAttributes


ReportBytes = Callable[[int], None]
"""Is called with the number of bytes after each part of a file; the copy ends with what it raises."""


def copy_tree(
    source: str,
    target: str,
    omitted: frozenset[str] = frozenset(),
    kept: KeptAttributes | None = None,
    report: ReportBytes = lambda _: None,
) -> Copied:
    """Copy what is in the directory `source` into the empty directory `target`, which gets its properties too.

    `omitted` has paths that are left out, from `source` on (`/etc/name`). `kept` has attributes that an earlier copy
    could not hold. `report` is called after each part of a file. No link is followed. Raises OSError, what `report`
    raises, and Failure for a file system inside of this one.
    """
    return _Copy(source, target, omitted, kept or {}, report).all()


def sync_file_system(path: str) -> None:
    """Wait until everything on the file system of a directory is on its disk. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        libc.syncfs(fd)
    finally:
        os.close(fd)


class _Copy:
    def __init__(
        self, source: str, target: str, omitted: frozenset[str], kept: KeptAttributes, report: ReportBytes
    ) -> None:
        self._source = source
        self._target = target
        self._omitted = omitted
        self._kept = kept
        self._report = report
        self._device = os.lstat(source).st_dev
        self._linked: dict[int, str] = {}
        self._unheld: KeptAttributes = {}

    def all(self) -> Copied:
        directories = [("", os.lstat(self._source))]
        nodes = 0
        for path, found in self._nodes():
            nodes += 1
            if stat.S_ISDIR(found.st_mode):
                os.mkdir(self._target + path, 0o700)
                directories.append((path, found))
            else:
                self._make(path, found)
        for path, found in reversed(directories):  # what is made in a directory changes its times
            self._set_properties(path, found)
        return Copied(nodes, self._unheld)

    def _nodes(self) -> Iterator[tuple[str, os.stat_result]]:
        """Every node below the source with its status; a directory comes before what is in it."""
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            with os.scandir(self._source + folder) as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}"
                    if path in self._omitted:
                        continue
                    found = entry.stat(follow_symlinks=False)
                    if found.st_dev != self._device:
                        raise Failure(f"{path} is a file system (or a subvolume) inside of the one to be copied")
                    if stat.S_ISDIR(found.st_mode):
                        waiting.append(path)
                    yield path, found

    def _make(self, path: str, found: os.stat_result) -> None:
        source, target = self._source + path, self._target + path
        if found.st_nlink > 1 and (first := self._linked.setdefault(found.st_ino, target)) != target:
            os.link(first, target, follow_symlinks=False)
            # the earlier copy may have reached the file by this name
            for name, value in self._kept.get(path, {}).items():
                os.setxattr(target, name, value, follow_symlinks=False)
            return
        if stat.S_ISREG(found.st_mode):
            _copy_content(source, target, found.st_size, self._report)
        elif stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(source), target)
        else:
            os.mknod(target, found.st_mode, found.st_rdev)
        self._set_properties(path, found)

    def _set_properties(self, path: str, found: os.stat_result) -> None:
        if unheld := _set_properties(self._source + path, self._target + path, found, self._kept.get(path, {})):
            self._unheld[path] = unheld


def copy_properties(source: str, target: str, kept: Attributes | None = None) -> None:
    """Give a directory owner, mode, times and attributes of another one. Raises OSError."""
    _set_properties(source, target, os.lstat(source), kept or {})


def _set_properties(source: str, target: str, found: os.stat_result, kept: Attributes) -> Attributes:
    """Owner first, which clears bits of the mode and capabilities; times last. Returns what it cannot hold."""
    os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(found.st_mode):
        os.chmod(target, stat.S_IMODE(found.st_mode))
    unheld = {}
    for name, value in {**_attributes(source), **kept}.items():
        try:
            os.setxattr(target, name, value, follow_symlinks=False)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            unheld[name] = value
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns), follow_symlinks=False)
    return unheld


def _attributes(path: str) -> Attributes:
    names = os.listxattr(path, follow_symlinks=False)
    wanted = [name for name in names if name.startswith(XATTR_NAMESPACES) and not name.startswith(_OWN_FORM)]
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in wanted}


def _copy_content(source: str, target: str, size: int, report: ReportBytes) -> None:
    """Copy the bytes of a file; holes stay holes (SEEK_DATA of lseek(2))."""
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOATIME)
    try:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            for start, end in _data(reading, size):
                position = os.lseek(writing, start, os.SEEK_SET)
                while position < end:
                    done = os.sendfile(writing, reading, position, min(end - position, _CHUNK))
                    if done == 0:
                        raise OSError(errno.EIO, "the file became shorter", source)
                    position += done
                    report(done)
            os.ftruncate(writing, size)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _data(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Where the file has data: the first byte, and the one after the last, of each part."""
    position = 0
    while position < size:
        try:
            start = os.lseek(fd, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            raise
        position = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, position
