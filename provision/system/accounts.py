"""Users and groups of the target root, read from its own files: the machine's name services know other ones."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from provision.config.model import Secret
from provision.observe import Account, is_id
from provision.system.nodes import copy_attributes, temporary_name
from provision.system.paths import Tree


def user(tree: Tree, name: str) -> Account | None:
    """A line of /etc/passwd (passwd(5))."""
    fields = _entry(tree, "/etc/passwd", name, 7, ids=4)
    return Account(name, int(fields[2]), int(fields[3]), fields[5], fields[6]) if fields else None


def group(tree: Tree, name: str) -> Account | None:
    """A line of /etc/group (group(5))."""
    fields = _entry(tree, "/etc/group", name, 4, ids=3)
    return Account(name, int(fields[2])) if fields else None


def set_password(tree: Tree, database: str, name: str, password: Secret) -> None:
    """Put a hash into field 2 of a line of `shadow` or `gshadow`; every other byte, mode and owner stay.

    Raises OSError, and ValueError where no such line is or the hash would break it.
    """
    hashed = os.fsencode(password.reveal())
    if set(hashed) & set(b":\n\0"):
        raise ValueError("a password hash cannot contain a colon or a line break")
    path = f"/etc/{database}"
    with tree.folder("/etc") as folder, _locked(folder):
        content = tree.content(path)
        if content is None:
            raise ValueError(f"there is no {path}")
        _replace(folder, database, _with_password(content, os.fsencode(name), hashed, path))


def _with_password(content: bytes, name: bytes, hashed: bytes, path: str) -> bytes:
    lines = content.split(b"\n")
    for position, line in enumerate(lines):
        found, colon, rest = line.partition(b":")
        if found == name and colon:
            behind = rest.partition(b":")
            lines[position] = b":".join((name, hashed + behind[1] + behind[2]))
            return b"\n".join(lines)
    raise ValueError(f"{os.fsdecode(name)} has no line in {path}")


def _replace(folder: int, name: str, content: bytes) -> None:
    """A new file in place of an old one, with its owner, mode and label."""
    temporary = temporary_name(folder, name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    old = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        fd = os.open(temporary, flags, 0o600, dir_fd=folder)
        with open(fd, "wb") as file:
            file.write(content)
            file.flush()
            status = os.fstat(old)
            os.fchown(fd, status.st_uid, status.st_gid)
            os.fchmod(fd, status.st_mode & 0o7777)
            copy_attributes(old, fd)
            os.fsync(fd)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise
    finally:
        os.close(old)
    os.fsync(folder)


@contextmanager
def _locked(folder: int) -> Iterator[None]:
    """The lock that lckpwdf(3) takes, in the target root."""
    fd = os.open(".pwd.lock", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _entry(tree: Tree, path: str, name: str, width: int, ids: int) -> list[str] | None:
    """The fields of an account's line; those from the third up to `ids` are numbers."""
    for line in (tree.content(path) or b"").split(b"\n"):
        fields = os.fsdecode(line).split(":")
        if fields[0] == name and len(fields) >= width and all(map(is_id, fields[2:ids])):
            return fields
    return None
