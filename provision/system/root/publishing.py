"""Gives files and links their names in one step; they replace an existing file, or fail if they are exclusive."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress

from provision.system import libc

_CHUNK = 1 << 20
_APPEARED = "has appeared since it was planned, or an interrupted run wrote it with other content; it is not replaced"


def temporary_name(folder: int, name: str) -> str:
    """The temporary name for `name` in the directory of a descriptor. A file that a killed run left there is removed.

    It is computed from `name`, so that the next run finds what an interrupted run left. Raises OSError.
    """
    from hashlib import sha256

    temporary = f".provision-{sha256(os.fsencode(name)).hexdigest()[:16]}"
    drop(folder, temporary)
    return temporary


def open_temporary(folder: int, name: str) -> tuple[int, str]:
    """A new file (0600) under the temporary name for `name`: its descriptor, for reading and writing, and that name.

    The caller closes it. Raises OSError.
    """
    temporary = temporary_name(folder, name)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(temporary, flags, 0o600, dir_fd=folder), temporary


def drop(folder: int, name: str) -> None:
    """Remove a name of a file or link; nothing happens if there is none. Raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def publish_file(folder: int, name: str, fd: int, temporary: str, *, exclusive: bool) -> None:
    """Give an open file its name. It replaces a file or link with that name, unless it is `exclusive`.

    `temporary` is its name until then, or empty. An existing file with the same content, owner and mode is accepted,
    because an interrupted run may have written it. Raises OSError; FileExistsError if `exclusive` and the name exists.
    """
    if not temporary:
        try:
            _link_fd(fd, folder, name)
        except FileExistsError:
            if exclusive:
                _accept_own_file(folder, name, fd)
                return
            temporary = temporary_name(folder, name)
            _link_fd(fd, folder, temporary)
        else:
            return
    try:
        _rename(folder, temporary, name, exclusive=exclusive)
    except FileExistsError:
        _accept_own_file(folder, name, fd)
    finally:
        drop(folder, temporary)


def _rename(folder: int, temporary: str, name: str, *, exclusive: bool) -> None:
    """Rename from the temporary name. Raises FileExistsError if `exclusive` and the name exists."""
    if not exclusive:
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    try:
        libc.rename_exclusively(temporary, name, folder)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOSYS}:
            raise
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)


def _accept_own_file(folder: int, name: str, fd: int) -> None:
    """Accept an existing file that is the same as ours. Raises FileExistsError for another one."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    ours = os.fstat(fd)
    same = all(getattr(status, name) == getattr(ours, name) for name in ("st_mode", "st_uid", "st_gid", "st_size"))
    if not same or not _same_content(fd, folder, name):
        raise FileExistsError(errno.EEXIST, _APPEARED, name)


def _same_content(fd: int, folder: int, name: str) -> bool:
    """Whether a regular file of the same size holds the same bytes."""
    other = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        offset = 0
        while chunk := os.pread(fd, _CHUNK, offset):
            if os.pread(other, len(chunk), offset) != chunk:
                return False
            offset += len(chunk)
    finally:
        os.close(other)
    return True


def _link_fd(fd: int, folder: int, name: str) -> None:
    # with dst_dir_fd this is linkat(2) with AT_SYMLINK_FOLLOW, as open(2) shows it for O_TMPFILE
    os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=folder, follow_symlinks=True)


def publish_link(folder: int, name: str, make: Callable[[str], None], *, exclusive: bool) -> None:
    """Make a link under a temporary name and rename it. It replaces a file of that name, unless it is `exclusive`.

    Raises OSError; FileExistsError if `exclusive` and the name exists with other contents.
    """
    temporary = temporary_name(folder, name)
    try:
        make(temporary)
        _rename(folder, temporary, name, exclusive=exclusive)
    except FileExistsError:
        if not _is_same_link(folder, temporary, name):
            raise FileExistsError(errno.EEXIST, _APPEARED, name) from None
    finally:
        drop(folder, temporary)  # rename(2) does nothing if both names are of one file


def _is_same_link(folder: int, first: str, second: str) -> bool:
    """Whether two names are hard links of one file, or symbolic links of one owner to the same target."""
    one, other = (os.stat(name, dir_fd=folder, follow_symlinks=False) for name in (first, second))
    if os.path.samestat(one, other):
        return True
    links = stat.S_ISLNK(one.st_mode) and stat.S_ISLNK(other.st_mode)
    owners = (one.st_uid, one.st_gid) == (other.st_uid, other.st_gid)
    return links and owners and os.readlink(first, dir_fd=folder) == os.readlink(second, dir_fd=folder)
