"""Users and groups of the target root, from its own files, because name services know those of this machine."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from provision.config.model import Secret
from provision.planning.machine_view import Account, FileType, is_id
from provision.planning.root.account_files import LOGIN_DEFS, login_settings
from provision.system.root.files_and_links import copy_attributes
from provision.system.root.guarded_paths import GuardedTree
from provision.system.root.publishing import drop, open_temporary


def user(tree: GuardedTree, name: str) -> Account | None:
    """The user of that name in /etc/passwd (passwd(5)); None if there is none. Raises OSError."""
    fields = _entry(tree, "passwd", name, 7, ids=4)
    return Account(name, int(fields[2]), int(fields[3]), fields[5], fields[6]) if fields else None


def group(tree: GuardedTree, name: str) -> Account | None:
    """The group of that name in /etc/group (group(5)); None if there is none. Raises OSError."""
    fields = _entry(tree, "group", name, 4, ids=3)
    return Account(name, int(fields[2])) if fields else None


def set_password(tree: GuardedTree, database: str, name: str, password: Secret) -> None:
    """Set a password hash in the same file as usermod and groupmod of shadow 4.13; nothing else in the files changes.

    The hash is written to field 2 of the account's line in `shadow` (`gshadow`). Without such a line it depends on the
    account's line in `passwd` (`group`): if that has `x`, a line is added to `shadow` (`gshadow`), else the hash is
    written into that line. Raises OSError; ValueError if the account has no line, or the hash contains a separator.
    """
    hashed = os.fsencode(password.reveal())
    if set(hashed) & set(b":\n\0"):
        raise ValueError("a password hash cannot contain a colon or a line break")
    with tree.folder("/etc") as folder, _locked(folder):
        shadow = _content(tree, database)
        changed = with_password(shadow or b"", os.fsencode(name), hashed)
        if changed is None:
            fields = _fields(tree, _OPEN[database], name)
            if shadow is not None and fields[1] == b"x":
                rest = [b"", *fields[3:4]] if database == "gshadow" else _ageing(tree)
                changed = _with_line(shadow, [fields[0], hashed, *rest])
            else:
                database = _OPEN[database]
                changed = with_password(_content(tree, database) or b"", fields[0], hashed) or b""
        _replace(folder, database, changed)


def prepare(tree: GuardedTree) -> None:
    """Prepare the tree for a tool that works on accounts: remove stale locks, refuse files on which it would hang.

    A tool of shadow holds the lock of lckpwdf(3) as long as it has lock files (`commonio_lock`, shadow 4.13). So this
    takes that lock, and then removes all lock files. Raises OSError for an account file that is not regular, or larger
    than 16 MiB.
    """
    for path in _READ_BY_TOOLS:
        tree.check_regular(path)
    if tree.file_status("/etc") is None:
        return
    with tree.folder("/etc") as folder, _locked(folder):
        for database in _DATABASES:
            with suppress(FileNotFoundError, IsADirectoryError):
                os.unlink(f"{database}.lock", dir_fd=folder)


def with_password(content: bytes, name: bytes, hashed: bytes) -> bytes | None:
    """The content of an account file with field 2 of the account's line replaced; None if it has no line."""
    lines = content.split(b"\n")
    for position, line in enumerate(lines):
        found, colon, rest = line.partition(b":")
        if found == name and colon:
            behind = rest.partition(b":")
            lines[position] = b":".join((name, hashed + behind[1] + behind[2]))
            return b"\n".join(lines)
    return None


_DATABASES = ("passwd", "shadow", "subuid", "subgid", "group", "gshadow")

_READ_BY_TOOLS = (
    *(f"/etc/{name}" for name in _DATABASES),
    *("/etc/login.defs", "/etc/default/useradd", "/etc/nsswitch.conf"),
)

_LOCK = ".pwd.lock"
_LOCK_SECONDS = 15.0
"""Seconds to wait for the lock: as long as lckpwdf(3) of glibc."""

_OPEN = {"shadow": "passwd", "gshadow": "group"}
"""Private account file -> the public one."""


def _content(tree: GuardedTree, database: str) -> bytes | None:
    """The whole account file; None if it does not exist. Raises OSError for a file that is not regular or too large."""
    return tree.whole_content(f"/etc/{database}")


def _ageing(tree: GuardedTree) -> list[bytes]:
    """Fields 3 to 9 of shadow(5): the day of the last change, and the ages of passwords by login.defs(5)."""
    settings = login_settings(tree.content(LOGIN_DEFS))
    found = (settings.get(key, "") for key in ("PASS_MIN_DAYS", "PASS_MAX_DAYS", "PASS_WARN_AGE"))
    days = (text.encode() if is_id(text) else b"" for text in found)
    return [b"%d" % (time.time() // 86400), *days, b"", b"", b""]


def _fields(tree: GuardedTree, database: str, name: str) -> list[bytes]:
    """The line of an account. Raises ValueError if there is none."""
    lines = (_content(tree, database) or b"").split(b"\n")
    found = next((line for line in lines if line.startswith(os.fsencode(name) + b":")), None)
    if found is None:
        raise ValueError(f"{name} has no line in /etc/{database}")
    return found.split(b":")


def _with_line(content: bytes, fields: list[bytes]) -> bytes:
    end = b"\n" if content and not content.endswith(b"\n") else b""
    return content + end + b":".join(fields) + b"\n"


def _replace(folder: int, name: str, content: bytes) -> None:
    """Replace a file in one step; the new one keeps owner, mode and label. Raises OSError."""
    fd, temporary = open_temporary(folder, name)
    try:
        with open(fd, "wb") as file, _opened(folder, name) as old:
            file.write(content)
            file.flush()
            status = os.fstat(old)
            os.fchown(fd, status.st_uid, status.st_gid)
            os.fchmod(fd, status.st_mode & 0o7777)
            copy_attributes(old, fd)
            os.fsync(fd)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        drop(folder, temporary)
        raise
    os.fsync(folder)


@contextmanager
def _opened(folder: int, name: str) -> Iterator[int]:
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _locked(folder: int) -> Iterator[None]:
    """Hold the lock of lckpwdf(3) in the target root during the block. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(_LOCK, flags, 0o600, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", f"/etc/{_LOCK}")
        _wait_for_lock(fd)
        yield
    finally:
        os.close(fd)


def _wait_for_lock(fd: int) -> None:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EAGAIN}:
                raise
            if time.monotonic() > deadline:
                raise OSError(error.errno, "another program has it locked", f"/etc/{_LOCK}") from error
            time.sleep(0.01)
        else:
            return


def _entry(tree: GuardedTree, database: str, name: str, width: int, ids: int) -> list[str] | None:
    """The fields of an account's line; those from the third up to `ids` are numbers.

    None if there is no line, and also if the file is a link: the plan refuses that.
    """
    node = tree.file_status(f"/etc/{database}")
    if node is None or node.kind is FileType.LINK:
        return None
    for line in (_content(tree, database) or b"").split(b"\n"):
        fields = os.fsdecode(line).split(":")
        if fields[0] == name and len(fields) >= width and all(map(is_id, fields[2:ids])):
            return fields
    return None
