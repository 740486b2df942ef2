"""What the tools do to home directories, and why they would refuse it: useradd(8), usermod(8), userdel(8), shadow 4.13.

useradd makes a home with a copy of the skeleton directory, and a mail spool; usermod moves a home; userdel removes it.
Each function but `home_of` raises Unresolvable for a path that leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import join

from provision.config.format import User
from provision.config.problems import Problem
from provision.planning.facts import Fact, FileFact
from provision.planning.machine_view import Account, FileStatus, FileType, MachineView, OwnedHome
from provision.planning.root.account_files import (
    GROUP,
    LOGIN_DEFS,
    PASSWD,
    USERADD_DEFAULTS,
    mail_spools,
    useradd_settings,
)
from provision.planning.root.target_paths import Unresolvable, followed, missing_parents, resolve_path

MAX_CONTENTS = 10_000
"""How many directories of a skeleton directory a plan takes into account; it ignores the rest."""


def home_of(user: User, view: MachineView) -> str:
    """The home directory of a new user."""
    base = useradd_settings(view.content(USERADD_DEFAULTS)).get("HOME") or "/home"
    return user.home_dir or join(base, user.name)


def missing_behind_link(user: User, view: MachineView) -> tuple[str, ...]:
    """The directories above a new home that useradd cannot make, outermost first: a link on the way leads to them.

    In a new system of OSTree /home is a link to /var/home, which does not exist yet.
    """
    home = home_of(user, view)
    resolved = resolve_path(view, home)
    return missing_parents(view, resolved) if resolved != home and not user.no_create_home else ()


def facts(user: User, view: MachineView) -> Iterator[Fact]:
    """The home that useradd makes, with what is missing above it."""
    home = resolve_path(view, home_of(user, view))
    if not user.no_create_home and view.file_status(home) is None:
        yield from (FileFact(path, FileStatus(FileType.DIRECTORY)) for path in missing_parents(view, home))
        yield FileFact(home, FileStatus(FileType.DIRECTORY, uid=user.uid))


def likely(user: User, view: MachineView) -> Iterator[Fact]:
    """What useradd puts into the home, and the mail spool. It copies nothing into a home that is there already."""
    home = resolve_path(view, home_of(user, view))
    if not user.no_create_home and view.file_status(home) is None:
        yield from _skeleton(home, view)
    if not user.system:
        yield from _mail_spool(user, view)


def moved(user: User, account: Account, view: MachineView) -> Iterator[Fact]:
    """The home of an account that is there, before and after usermod has moved it."""
    old, new = account.home or "", user.home_dir or ""
    if new and new != old and view.file_status(resolve_path(view, old)) is not None:
        yield FileFact(resolve_path(view, new), FileStatus(FileType.DIRECTORY))
        yield FileFact(resolve_path(view, old), None)


def removed(account: Account, view: MachineView) -> Iterator[Fact]:
    """What userdel takes away with the account."""
    home = resolve_path(view, account.home or "/")
    there = view.file_status(home)
    if there is not None and _owns(account, there):
        yield FileFact(home, None)


def cannot_move(user: User, account: Account, view: MachineView) -> Iterator[Problem]:
    """Why usermod would not move a home; no problems if it would, or if there is no home to move."""
    new, old = user.home_dir or "", account.home or ""
    if not new or new == old:
        return
    there, target = view.file_status(resolve_path(view, old)), resolve_path(view, new)
    parent = target.rpartition("/")[0] or "/"
    if view.file_status(target) is not None:
        yield Problem(
            ("homeDir",), f"usermod does not move {old} to {new}, which exists", hint="move it away", rule="home-move"
        )
    elif there is not None and there.kind is not FileType.DIRECTORY:
        yield Problem(
            ("homeDir",),
            f"usermod does not move {old}, which is a {there.kind.value}",
            hint="move it away",
            rule="home-move",
        )
    elif there is not None and view.file_status(parent) is None:
        yield Problem(
            ("homeDir",),
            f"usermod does not move {old} to {new}: there is no {parent}",
            hint="make it first",
            rule="home-move",
        )


def cannot_remove(account: Account, view: MachineView) -> Iterator[Problem]:
    """Why a home must not be removed: it is the root, or belongs to another account, as that of many system accounts.

    userdel asks only for the owner. It is asked itself whether it refuses that, on copies of the account files.
    """
    home = account.home or "/"
    path = resolve_path(view, home)
    there = view.file_status(path)
    if there is None:
        return
    if _owns(account, there):
        if path == "/":
            yield Problem(
                (), f"userdel would remove /, the home of {account.name}", hint="keep the account", rule="home-removal"
            )
    elif there.uid is not None and _refuses(account, OwnedHome(path, there.uid), view):
        message = f"userdel does not remove {home}, the home of {account.name}, which belongs to the id {there.uid}"
        yield Problem((), message, hint=f"give {home} to {account.name}, or keep the account", rule="home-removal")


def _owns(account: Account, home: FileStatus) -> bool:
    return account.id is None or home.uid in {account.id, None}


def _refuses(account: Account, home: OwnedHome, view: MachineView) -> bool:
    """Whether userdel refuses. The copy of passwd has the resolved path, for the trial has no links."""
    line = f"{account.name}:x:{account.id}:{account.gid or 0}::{home.path}:\n"
    files = {PASSWD: line.encode(errors="surrogateescape"), GROUP: b"root:x:0:\n"}
    return view.account_refusal(("userdel", "--remove", account.name), files, home)


def _skeleton(home: str, view: MachineView) -> Iterator[Fact]:
    """Copies of what is in the skeleton directory. A link into it leads to the same place in the home."""
    setting = useradd_settings(view.content(USERADD_DEFAULTS)).get("SKEL") or "/etc/skel"
    try:
        top = followed(view, setting)
    except Unresolvable:
        return
    for below, status in _contents(top, view):
        target = status.target
        if target is not None and target.startswith(f"{setting}/"):
            target = home + target.removeprefix(setting)
        yield FileFact(home + below, FileStatus(status.kind, status.mode, target=target))


def _contents(top: str, view: MachineView) -> Iterator[tuple[str, FileStatus]]:
    """What is below a directory: the path behind that of the directory, as `/.ssh/config`, and the status."""
    waiting = [""]
    for folder in waiting:
        for name in view.children(top + folder):
            path = f"{folder}/{name}"
            status = view.file_status(top + path)
            if status is None or len(waiting) > MAX_CONTENTS:
                continue
            yield path, status
            if status.kind is FileType.DIRECTORY:
                waiting.append(path)


def _mail_spool(user: User, view: MachineView) -> Iterator[Fact]:
    folder = mail_spools(view.content(LOGIN_DEFS), view.content(USERADD_DEFAULTS))
    if folder:
        path = resolve_path(view, join(folder, user.name))
        above = view.file_status(path.rpartition("/")[0] or "/")
        if above is not None and above.kind is FileType.DIRECTORY and view.file_status(path) is None:
            yield FileFact(path, FileStatus(FileType.FILE))
