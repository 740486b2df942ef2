"""Variables of the EFI firmware as files (efivarfs): read, written in one step, removed.

Source: Documentation/filesystems/efivarfs.rst and fs/efivarfs of Linux; UEFI specification 2.10, section 8.2.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from provision.failures import Failure
from provision.system import mount_table, mounts

FOLDER = "/sys/firmware/efi/efivars"

_ATTRIBUTES = struct.pack("<I", 0x1 | 0x2 | 0x4)
"""They stand before the data: kept without power, can be read by boot loaders, and while Linux runs."""

_LONG = struct.calcsize("l") << 16
_GET_FLAGS, _SET_FLAGS = 0x80006601 | _LONG, 0x40006602 | _LONG
_IMMUTABLE = 0x10


@contextmanager
def variables() -> Iterator[None]:
    """The block can use the variables: efivarfs is mounted if it is not, for this process alone. Raises Failure."""
    if not os.path.isdir(FOLDER):
        raise Failure(
            f"there is no {FOLDER}: this machine was not started by EFI",
            hint="start it by EFI, or choose another place for the record: provision.firstboot.device=LABEL=...",
        )
    if mount_table.at(FOLDER):
        yield
        return
    mounts.unshare_mounts_if_allowed()
    try:
        mounts.mount("efivarfs", FOLDER, "efivarfs", mounts.UNTRUSTED)
    except mounts.MountFailed as error:
        hint = "the kernel needs the module efivarfs, in the initramfs too, and EFI at runtime (not efi=noruntime)"
        raise Failure(f"the variables of EFI cannot be used: {error.message}", hint=hint) from None
    try:
        yield
    finally:
        mounts.unmount(FOLDER)


class Variable(NamedTuple):
    """A variable, by its file: `NAME-GUID`, in the folder in which efivarfs is mounted."""

    name: str
    folder: str = FOLDER

    def read(self) -> bytes | None:
        """The data; None if there is no variable. Linux leaves a file without data if a write fails.

        Raises Failure.
        """
        try:
            with open(self._path, "rb", buffering=0) as file:
                return file.read()[len(_ATTRIBUTES) :] or None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Failure(f"EFI variable {self.name} cannot be read: {error.strerror}", hint=_LOG) from None

    def check_writable(self, needed: int) -> None:
        """Raise Failure if it is known without writing that this would fail, or that `needed` bytes are not free.

        Linux tells the free bytes since 6.5; before that it tells none.
        """
        space = os.statvfs(self.folder)
        if space.f_flag & os.ST_RDONLY:
            raise self._failure(errno.EROFS)
        if space.f_blocks and space.f_bavail * space.f_frsize < needed:
            raise self._failure(errno.ENOSPC)

    def write(self, data: bytes) -> None:
        """Make or replace the variable, and read it back. One write(2) is one call of the firmware, so no half is left.

        Raises Failure; then the old variable stays.
        """
        try:
            was_immutable = self._make_mutable()
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.write(fd, _ATTRIBUTES + data)
            finally:
                os.close(fd)
                if was_immutable:
                    self._change_flags(_IMMUTABLE)
        except OSError as error:
            raise self._failure(error.errno) from None
        if self.read() != data:
            raise self._failure(errno.EIO)

    def remove(self) -> bool:
        """Remove the variable, and return whether there was one. Raises Failure."""
        try:
            self._make_mutable()
            os.unlink(self._path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._failure(error.errno) from None
        return True

    @property
    def _path(self) -> str:
        return f"{self.folder}/{self.name}"

    def _make_mutable(self) -> bool:
        """Remove the flag with which Linux protects variables from `rm -r`; returns whether the file had it."""
        try:
            return bool(self._change_flags(0) & _IMMUTABLE)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTTY}:  # no file, or a kernel without this flag (before 4.5)
                raise
        return False

    def _change_flags(self, immutable: int) -> int:
        """Set or clear the flag `immutable`; returns the flags as they were. Raises OSError."""
        fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            (flags,) = struct.unpack_from("I", fcntl.ioctl(fd, _GET_FLAGS, bytes(8)))
            if flags & _IMMUTABLE != immutable:
                fcntl.ioctl(fd, _SET_FLAGS, struct.pack("I4x", flags & ~_IMMUTABLE | immutable))
        finally:
            os.close(fd)
        return int(flags)

    def _failure(self, code: int | None) -> Failure:
        """What to say if a variable cannot be written."""
        hint = _HINTS.get(code or 0, _LOG)
        return Failure(f"EFI variable {self.name} cannot be written: {os.strerror(code or errno.EIO)}", hint=hint)


_LOG = "look for a message of EFI in the log of the kernel (dmesg)"

_HINTS = {
    errno.ENOSPC: "remove variables that nobody needs, in the firmware's setup; some firmware only needs a restart",
    errno.EROFS: "the firmware allows no writing while Linux runs, or efivarfs is mounted read-only",
}
