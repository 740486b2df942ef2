"""What useradd makes beside an account: a home with a copy of the skeleton directory, a mail spool (useradd(8))."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import join

from provision.config.format import User
from provision.planning.account_files import LOGIN_DEFS, USERADD_DEFAULTS, login_settings, useradd_settings
from provision.planning.facts import Fact, FileFact
from provision.planning.machine_view import Account, FileStatus, FileType, MachineView
from provision.planning.target_paths import Unresolvable, followed, missing_parents, resolve

MAX_SKELETON = 10_000
"""Files of a skeleton directory that are foreseen; a larger one is not looked at any further."""


def home_of(user: User, view: MachineView) -> str:
    """The home directory of a new user."""
    base = useradd_settings(view.content(USERADD_DEFAULTS)).get("HOME") or "/home"
    return user.home_dir or join(base, user.name)


def facts(user: User, view: MachineView) -> Iterator[Fact]:
    """The home that useradd makes, with what is missing above it."""
    home = resolve(view, home_of(user, view))
    if not user.no_create_home and view.file_status(home) is None:
        yield from (FileFact(path, FileStatus(FileType.DIRECTORY)) for path in (*missing_parents(view, home), home))


def likely(user: User, view: MachineView) -> Iterator[Fact]:
    """What useradd puts into the home, and the mail spool. It copies nothing into a home that is there already.

    Debian's useradd 4.13 leaves out what lies in directories of the skeleton.
    """
    home = resolve(view, home_of(user, view))
    if not user.no_create_home and view.file_status(home) is None:
        yield from _skeleton(home, view)
    if not user.system:
        yield from _mail_spool(user, view)


def removed(account: Account, view: MachineView) -> Iterator[Fact]:
    """What userdel --remove takes away: a home that belongs to the account."""
    home = resolve(view, account.home) if account.home and account.home != "/" else None
    there = view.file_status(home) if home else None
    if home and there is not None and there.kind is FileType.DIRECTORY and there.uid == account.id:
        yield FileFact(home, None)


def _skeleton(home: str, view: MachineView) -> Iterator[Fact]:
    try:
        top = followed(view, useradd_settings(view.content(USERADD_DEFAULTS)).get("SKEL") or "/etc/skel")
    except Unresolvable:
        return
    waiting = [""]
    for below in waiting:
        for name in view.children(top + below):
            path = f"{below}/{name}"
            status = view.file_status(top + path)
            if status is None or len(waiting) > MAX_SKELETON:
                continue
            yield FileFact(home + path, FileStatus(status.kind))
            if status.kind is FileType.DIRECTORY:
                waiting.append(path)


def _mail_spool(user: User, view: MachineView) -> Iterator[Fact]:
    folder = login_settings(view.content(LOGIN_DEFS)).get("MAIL_DIR")
    wanted = useradd_settings(view.content(USERADD_DEFAULTS)).get("CREATE_MAIL_SPOOL", "").lower() == "yes"
    if folder and wanted:
        path = resolve(view, join(folder, user.name))
        above = view.file_status(path.rpartition("/")[0] or "/")
        if above is not None and above.kind is FileType.DIRECTORY and view.file_status(path) is None:
            yield FileFact(path, FileStatus(FileType.FILE))
