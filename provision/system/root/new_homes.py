"""Finishes homes and mail spools, because useradd and usermod ignore most errors there and exit with 0.

shadow 4.13, src/useradd.c: `main` ignores the result of `copy_tree` and of chown(2), `create_mail` returns nothing, nor
does `move_mailbox` of src/usermod.c. The copy ends at the first error. Version 4.13 sets the mode of a copied directory
through /proc/self/fd: in a root without /proc each directory of the skeleton is such an error.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from contextlib import suppress
from posixpath import join
from typing import NamedTuple

from provision.planning.machine_view import Account, FileType
from provision.planning.root.account_files import (
    LOGIN_DEFS,
    USERADD_DEFAULTS,
    login_settings,
    mail_spools,
    useradd_settings,
)
from provision.system.root import account_hooks, accounts
from provision.system.root.guarded_paths import GuardedTree, closing_descriptor
from provision.system.root.publishing import drop, open_temporary, publish_file, publish_link

_MAX_DEPTH = 64
_MODE_ABOVE = 0o755
"""The mode of the directories that useradd makes above a home."""

_MAIL_DIR = "/var/mail"
"""Where mail spools are if login.defs(5) does not say it: MAIL_SPOOL_DIR of src/usermod.c as Debian builds it."""

_CHUNK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class _Copy(NamedTuple):
    """The owner of a home, and the paths of the skeleton and of the home."""

    uid: int
    gid: int
    skeleton: str
    home: str


def finish_home(tree: GuardedTree, name: str, made: Collection[str]) -> None:
    """Complete the home that useradd has just made: its owner and mode, and a copy of the skeleton directory.

    `made` are the directories that useradd has made: the home, and those above it. Their modes are wrong if they are 0,
    with which useradd makes them; that of the home also if it is still that of the directories above it. Nothing
    happens if there are hooks of useradd, which may change the home, or on a file system without modes. Raises OSError.
    """
    account = accounts.user(tree, name)
    if account is None or not account.home or any(account_hooks.hooks(tree)):
        return
    status = tree.file_status(account.home)
    if status is None or status.mode is None:
        return
    settings = useradd_settings(tree.content(USERADD_DEFAULTS))
    copy = _Copy(*_owner(account), settings.get("SKEL") or "/etc/skel", account.home)
    with tree.folder(copy.home) as home:
        os.fchown(home, copy.uid, copy.gid)
        if stat.S_IMODE(os.fstat(home).st_mode) in {0, _MODE_ABOVE if copy.home in made else 0}:
            os.fchmod(home, _home_mode(tree))
        with suppress(FileNotFoundError), tree.folder(copy.skeleton) as skeleton:
            _complete(copy, skeleton, home, _MAX_DEPTH)
    for path in made:
        found = tree.file_status(path)
        if found is not None and found.mode == 0:
            with tree.folder(path) as folder:
                os.fchmod(folder, _MODE_ABOVE)


def finish_mail_spool(tree: GuardedTree, name: str) -> None:
    """Make the empty mail spool of a new user, or complete it: useradd makes it with mode 0. Raises OSError.

    It belongs to the group `mail` (0660), or without such a group to the user's group (0600).
    """
    account = accounts.user(tree, name)
    folder = mail_spools(tree.content(LOGIN_DEFS), tree.content(USERADD_DEFAULTS))
    if account is None or not folder or tree.file_status(folder) is None:
        return
    found = tree.file_status(join(folder, name))
    if found is not None and found.mode != 0:
        return
    mail = accounts.group(tree, "mail")
    uid, gid = _owner(account)
    with tree.folder(folder) as above:
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0, dir_fd=above)
        with closing_descriptor(fd):
            os.fchown(fd, uid, gid if mail is None or mail.id is None else mail.id)
            os.fchmod(fd, 0o600 if mail is None else 0o660)
            os.fsync(fd)


def hand_over_mail_spool(tree: GuardedTree, before: Account) -> None:
    """Give the mail spool of a user the new number of the user, if it still has that of the account `before`.

    usermod changes the owner and says nothing about the result. Raises OSError.
    """
    account = accounts.user(tree, before.name)
    if account is None or account.id is None or account.id == before.id:
        return
    settings = login_settings(tree.content(LOGIN_DEFS))
    folder = settings.get("MAIL_DIR", "" if "MAIL_FILE" in settings else _MAIL_DIR)
    path = join(folder, before.name)
    found = tree.file_status(path) if folder else None
    if found is None or found.kind is not FileType.FILE or found.uid != before.id:
        return
    with tree.folder(folder) as above, closing_descriptor(os.open(before.name, _FILE, dir_fd=above)) as fd:
        os.fchown(fd, account.id, -1)
        os.fsync(fd)


def _owner(account: Account) -> tuple[int, int]:
    if account.id is None or account.gid is None:
        raise ValueError(f"{account.name} has no number yet")
    return account.id, account.gid


def _home_mode(tree: GuardedTree) -> int:
    """The mode of a home by login.defs(5)."""
    settings = login_settings(tree.content(LOGIN_DEFS))
    if "HOME_MODE" in settings:
        return _number(settings["HOME_MODE"]) & 0o7777
    return 0o777 & ~_number(settings.get("UMASK", "022"))


def _number(text: str) -> int:
    """A number of login.defs(5), read as strtol(3) reads it with base 0."""
    return int(text, 8 if text.startswith("0") and text.isdecimal() else 0)


def _complete(copy: _Copy, source: int, target: int, depth: int) -> None:
    """Copy what is missing or different from the open directory `source` into the open directory `target`."""
    if not depth:
        raise OSError(errno.ELOOP, f"has directories nested deeper than {_MAX_DEPTH}", copy.skeleton)
    for name in sorted(os.listdir(source)):
        wanted = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISDIR(wanted.st_mode):
            _complete_directory(copy, source, target, name, depth)
        elif stat.S_ISREG(wanted.st_mode):
            _complete_file(copy, source, target, name)
        elif stat.S_ISLNK(wanted.st_mode):
            _complete_link(copy, source, target, name)


def _complete_directory(copy: _Copy, source: int, target: int, name: str, depth: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=target)
    with (
        closing_descriptor(os.open(name, _FOLDER, dir_fd=source)) as old,
        closing_descriptor(os.open(name, _FOLDER, dir_fd=target)) as new,
    ):
        _dress(copy, old, new)
        _complete(copy, old, new, depth - 1)
        _keep_times(old, new)


def _complete_file(copy: _Copy, source: int, target: int, name: str) -> None:
    with closing_descriptor(os.open(name, _FILE, dir_fd=source)) as old:
        if _is_copied(copy, old, target, name):
            return
        fd, temporary = open_temporary(target, name)
        with closing_descriptor(fd) as new:
            try:
                while os.sendfile(new, old, None, _CHUNK):
                    pass
                _dress(copy, old, new)
                _keep_times(old, new)
                os.fsync(new)
                publish_file(target, name, new, temporary, exclusive=False)
            finally:
                drop(target, temporary)


def _complete_link(copy: _Copy, source: int, target: int, name: str) -> None:
    """Make a link as useradd does: one into the skeleton leads to the same place in the home."""
    points_to = os.readlink(name, dir_fd=source)
    if points_to.startswith(f"{copy.skeleton}/"):
        points_to = copy.home + points_to.removeprefix(copy.skeleton)

    def make(temporary: str) -> None:
        os.symlink(points_to, temporary, dir_fd=target)
        os.chown(temporary, copy.uid, copy.gid, dir_fd=target, follow_symlinks=False)

    with suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=target, follow_symlinks=False)
        same = stat.S_ISLNK(found.st_mode) and (found.st_uid, found.st_gid) == (copy.uid, copy.gid)
        if same and os.readlink(name, dir_fd=target) == points_to:
            return
    publish_link(target, name, make, exclusive=False)


def _is_copied(copy: _Copy, old: int, target: int, name: str) -> bool:
    """Whether the home has the whole file, with its owner and mode."""
    try:
        new = os.open(name, _FILE, dir_fd=target)
    except FileNotFoundError:
        return False
    with closing_descriptor(new):
        wanted, found = os.fstat(old), os.fstat(new)
        owned = (found.st_uid, found.st_gid) == (copy.uid, copy.gid)
        if not owned or (found.st_mode, found.st_size) != (wanted.st_mode, wanted.st_size):
            return False
        pieces = range(0, wanted.st_size, _CHUNK)
        return all(os.pread(old, _CHUNK, at) == os.pread(new, _CHUNK, at) for at in pieces)


def _dress(copy: _Copy, old: int, new: int) -> None:
    """Set owner, mode, access list and user attributes as in the skeleton; the label is the policy's business."""
    os.fchown(new, copy.uid, copy.gid)
    os.fchmod(new, stat.S_IMODE(os.fstat(old).st_mode))
    for name in os.listxattr(old):
        if not name.startswith("security."):
            with suppress(OSError):  # not every file system has them
                os.setxattr(new, name, os.getxattr(old, name))


def _keep_times(old: int, new: int) -> None:
    found = os.fstat(old)
    os.utime(new, ns=(found.st_atime_ns, found.st_mtime_ns))
