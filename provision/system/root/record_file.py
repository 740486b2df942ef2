"""One private file of the engine in the target root, which is read as a whole and written only at its end.

In a foreign root anything may be at its path. Everything except a regular file of our own with one name is refused, and
no link leads out of the root (see `guarded_paths`).
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from provision.failures import Failure
from provision.system.root.guarded_paths import GuardedTree, parent
from provision.system.root.publishing import open_temporary

MAX_BYTES = 256 << 20
"""The largest record that is read; a record of 100,000 actions has about 20 MiB."""

_FOLDER_MODE = 0o755
_FULL = "check whether the root file system is full or read-only"


class RecordFile:
    """The file at `path`, which is absolute inside the tree below `root`. All methods raise Failure."""

    def __init__(self, root: str, path: str) -> None:
        self._tree = GuardedTree(root)
        self._path = path

    @property
    def path(self) -> str:
        """The path on this machine, for messages."""
        return self._tree.outside(self._path)

    def read(self) -> bytes | None:
        """The whole content; None if there is no file. Raises Failure if it cannot be read, or is not ours."""
        try:
            fd = self._tree.open_regular(self._path, os.O_RDONLY)
            with open(fd, "rb") as file:
                _check_ours(fd)
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            hint = "it should be the record of an earlier run: remove it"
            raise Failure(f"{self.path}: {error.strerror}", hint=hint) from None

    def write(self, offset: int, data: bytes, *, wait: bool = True) -> None:
        """Truncate the file to `offset` bytes and append `data`. With `wait` both are on the disk afterwards.

        A missing file is made (0600), and so are missing directories above it (0755). Raises Failure.
        """
        try:
            self._write(offset, data, wait=wait)
        except OSError as error:
            raise Failure(f"{self.path}: {error.strerror}", hint=_FULL) from None

    def replace(self, data: bytes) -> None:
        """Replace the file by a new one in one step, which is on the disk afterwards. Raises Failure."""
        folder, name = parent(self._path)
        try:
            with self._tree.folder(folder) as directory:
                fd, temporary = open_temporary(directory, name)
                with open(fd, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
                os.fsync(directory)
        except OSError as error:
            raise Failure(f"{self.path}: {error.strerror}", hint=_FULL) from None

    def _write(self, offset: int, data: bytes, *, wait: bool) -> None:
        folder = parent(self._path)[0]
        made = self._tree.file_status(self._path) is None
        if made:
            self._make_folder(folder)
            fd = self._tree.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        else:
            fd = self._tree.open_regular(self._path, os.O_WRONLY)
        with open(fd, "wb") as file:
            _check_ours(fd)
            file.truncate(offset)
            file.seek(offset)
            file.write(data)
            file.flush()
            if wait:
                os.fsync(fd)
        if made and wait:
            with self._tree.folder(folder) as directory:
                os.fsync(directory)

    def _make_folder(self, path: str) -> None:
        if path == "/" or self._tree.file_status(path) is not None:
            return
        above, name = parent(path)
        self._make_folder(above)
        with self._tree.folder(above) as directory:
            mask = os.umask(0o777 & ~_FOLDER_MODE)  # so that the mode is right at once, even if we are killed
            try:
                with suppress(FileExistsError):
                    os.mkdir(name, _FOLDER_MODE, dir_fd=directory)
            finally:
                os.umask(mask)
            os.fsync(directory)


def _check_ours(fd: int) -> None:
    """Raises OSError for a file that cannot be our record: wrong type, owner or size, or a second name."""
    found = os.fstat(fd)
    if found.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "belongs to another user")
    if found.st_nlink > 1:
        raise OSError(errno.EMLINK, "has other names (hard links)")
    if found.st_size > MAX_BYTES:
        raise OSError(errno.EFBIG, f"is larger than {MAX_BYTES >> 20} MiB")
