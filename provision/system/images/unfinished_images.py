"""Disk images as files: they are made or copied under a temporary name, locked, and renamed when all went well."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from provision.failures import Failure
from provision.system.images import qemu
from provision.system.images.formats import DRIVERS, RAW
from provision.system.images.qemu import Export
from provision.system.programs import processes

SECTORS = (512, 4096)
"""Bytes in a logical sector: 512 on nearly all disks, 4096 on "4Kn" disks."""

_GPT = b"EFI PART"

_SETTLED = 60.0
"""An unlocked temporary file that is older than so many seconds belongs to a killed run."""


class _Unfinished(NamedTuple):
    """A file under a temporary name, the name that it will get, and whether it may replace a file of that name."""

    path: str
    image: str
    replace: bool
    lock: int


class UnfinishedImages:
    """The images that a run makes or changes; they get their names only in `keep`.

    Images in formats of virtual machines are opened as raw files (`view`).
    """

    def __init__(self, *, replace: bool) -> None:
        self._replace = replace
        self._unfinished: list[_Unfinished] = []
        self._views: list[Export] = []

    def make(self, image: str, size: int, name: str = RAW, folder: str = "") -> str:
        """Make an empty image (0600) of `size` bytes in the format `name`; in `folder` if it is not to be kept.

        Returns its path. Raises Failure.
        """
        try:
            path = self._temporary(image, folder or os.path.dirname(image) or ".", replace=self._replace)
            if name == RAW:
                os.truncate(path, size)
            else:
                qemu.create(path, name, size)
        except OSError as error:
            raise Failure(f"{image}: {error.strerror}") from None
        return path

    def copy(self, image: str) -> str:
        """Copy an image, with owner and mode; `keep` replaces the image by the copy. Returns the path of the copy.

        If the file system can share blocks, the copy needs no space (cp(1), --reflink). Raises Failure.
        """
        image = os.path.realpath(image)
        try:
            path = self._temporary(image, os.path.dirname(image), replace=True)
        except OSError as error:
            raise Failure(f"{image}: a copy cannot be made beside it: {error.strerror}") from None
        done = processes.run(["cp", "--preserve=all", "--reflink=auto", "--sparse=auto", "--", image, path])
        if done.status != 0:
            raise Failure(f"{image}: a copy cannot be made beside it: {done.last_lines}")
        return path

    def view(self, path: str, name: str, folder: str, *, writable: bool) -> str:
        """A raw view of an image; `folder` is for such views only. Returns its path. Raises QemuFailed."""
        view = Export(path, name, folder, writable=writable)
        self._views.append(view)
        return view.path

    def keep(self) -> None:
        """Call it when all went well: write all images to the disk, then give them their names.

        Raises Failure for an image that another program has made in the meantime, or that could not be written.
        """
        for view in self._views:
            view.close()
        for one in self._unfinished:
            _sync(one.path)
        while self._unfinished:
            one = self._unfinished.pop()
            try:
                _name(one)
            finally:
                os.close(one.lock)
            _sync(os.path.dirname(one.image) or ".")

    def drop(self) -> None:
        """Remove the images that have not got their names."""
        while self._views:
            self._views.pop().drop()
        while self._unfinished:
            one = self._unfinished.pop()
            with suppress(FileNotFoundError):
                os.unlink(one.path)
            os.close(one.lock)

    def _temporary(self, image: str, folder: str, *, replace: bool) -> str:
        """Make an empty file (0600) with a unique name, locked until the run ends; its path. Raises OSError."""
        from tempfile import mkstemp

        prefix = f".{os.path.basename(image)[:100]}."
        _remove_abandoned(folder, prefix)
        descriptor, path = mkstemp(prefix=prefix, suffix=".partial", dir=folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._unfinished.append(_Unfinished(path, image, replace, descriptor))
        return path


def _name(one: _Unfinished) -> None:
    if one.replace:
        os.replace(one.path, one.image)
        return
    try:
        os.link(one.path, one.image)
    except FileExistsError:
        hint = "another program has made it; --force replaces it"
        raise Failure(f"{one.image}: has appeared during the run", hint=hint) from None
    finally:
        os.unlink(one.path)


def _remove_abandoned(folder: str, prefix: str) -> None:
    """Remove temporary files of this image that killed runs left: they are old, and no process has them locked."""
    mine = re.compile(re.escape(prefix) + r"[a-z0-9_]{8}\.partial")
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if mine.fullmatch(name) and os.path.isfile(path) and not os.path.islink(path):
            with suppress(OSError), open(path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file.fileno()).st_mtime < time.time() - _SETTLED:
                    os.unlink(path)


def _sync(path: str) -> None:
    """Wait until a file, or the names in a folder, are on the disk (fsync(2)). Raises Failure."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    finally:
        os.close(fd)


def new_format(image: str) -> str:
    """The format of a new image: by the ending of its name if that is a key of `DRIVERS`, else raw."""
    ending = os.path.splitext(image)[1].removeprefix(".").lower()
    return ending if ending in DRIVERS else RAW


@contextmanager
def locked_for_run(path: str) -> Iterator[None]:
    """Lock an image or a tree against other runs until the end of the block. Raises Failure."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(fd, path)
        yield
    finally:
        os.close(fd)


def _lock(fd: int, path: str) -> None:
    """Lock a file, and check that it still has this name: a run may just have replaced it. Raises Failure."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locked = os.path.samestat(os.fstat(fd), os.stat(path))
    except BlockingIOError:
        locked = False
    if not locked:
        raise Failure(f"{path}: another run is working on it", hint="wait for it, or work on a copy")


def sector_size(image: str) -> int | None:
    """Bytes per sector of an image with a GPT; None without one. The GPT header is in sector 1 (UEFI 2.10, 5.3.2)."""
    with open(image, "rb") as file:
        start = file.read(SECTORS[-1] + len(_GPT))
    return next((size for size in SECTORS if start[size:].startswith(_GPT)), None)
