"""Disk images as files: made under a temporary name, locked, kept when all went well."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from provision.failures import Failure

SECTORS = (512, 4096)
"""Bytes in the logical sectors of disks: nearly all, and "4Kn" ones."""

_GPT = b"EFI PART"


class NewImages:
    """Images that are made under a temporary name, which nobody else has, until `keep` gives them theirs."""

    def __init__(self, *, replace: bool) -> None:
        self._replace = replace
        self._unfinished: dict[str, str] = {}

    def make(self, image: str, size: int, folder: str = "") -> str:
        """A sparse file of that size, readable by nobody else; in `folder` if the image is not to be kept."""
        from tempfile import mkstemp

        place, name = os.path.split(image)
        try:
            descriptor, path = mkstemp(prefix=f".{name[:100]}.", suffix=".partial", dir=folder or place or ".")
            self._unfinished[path] = image
            with open(descriptor, "wb") as file:
                file.truncate(size)
        except OSError as error:
            raise Failure(f"{image}: {error.strerror}") from None
        return path

    def keep(self) -> None:
        """All went well. Raises Failure for an image that somebody else made meanwhile."""
        while self._unfinished:
            path, image = self._unfinished.popitem()
            try:
                if self._replace:
                    os.replace(path, image)
                else:
                    os.link(path, image)
                    os.unlink(path)
            except FileExistsError:
                os.unlink(path)
                raise Failure(
                    f"{image}: exists by now", hint="somebody else made it; --force would replace it"
                ) from None

    def drop(self) -> None:
        """Remove what did not come about."""
        while self._unfinished:
            with suppress(FileNotFoundError):
                os.unlink(self._unfinished.popitem()[0])


@contextmanager
def claimed(path: str) -> Iterator[None]:
    """Keep other runs away from an image or a tree, as long as it takes. Raises Failure."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(fd, path)
        yield
    finally:
        os.close(fd)


def _lock(fd: int, path: str) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Failure(f"{path}: another run is working on it", hint="wait for it, or work on a copy") from None


def sector_size(image: str) -> int | None:
    """The sector size by which an image was partitioned: a GPT's header fills its second sector (UEFI, 5.3.2)."""
    with open(image, "rb") as file:
        start = file.read(SECTORS[-1] + len(_GPT))
    return next((size for size in SECTORS if start[size:].startswith(_GPT)), None)
