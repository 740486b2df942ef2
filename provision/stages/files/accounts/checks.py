"""Why useradd and the other tools would refuse a config: all problems are reported before anything is changed.

Only what they certainly refuse is refused; distributions differ in which names they take. Sources: useradd(8),
usermod(8), groupadd(8), passwd(5), and the tools of shadow 4.13 themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import join

from provision.config.format import Config, Group, User
from provision.config.problems import Problem
from provision.planning.machine_view import Account, MachineView, is_id
from provision.planning.root.account_files import GROUP, GSHADOW, LOGIN_DEFS, PASSWD, SHADOW, makes_user_groups
from provision.planning.root.target_paths import resolve_path
from provision.stages.files.accounts import home_directories
from provision.stages.files.accounts.actions import needs_usermod

LAST_ID = (1 << 32) - 2
"""The largest user or group id; the one after it, (uid_t) -1, stands for none (chown(2))."""

SUBUID, SUBGID = "/etc/subuid", "/etc/subgid"

MORE_GROUPS = "/usr/lib/group"
"""Where image-based systems keep the groups of the vendor (nss-altfiles); the tools find them there."""


def refusals(config: Config, view: MachineView) -> Iterator[Problem]:
    """The problems, in the order in which the accounts would be made. Raises Unresolvable."""
    yield from _links(config, view)
    ledger = _Ledger(view)
    for index, group in enumerate(config.passwd.groups):
        yield from (problem.under("passwd", "groups", index) for problem in _group(group, ledger))
    for index, user in enumerate(config.passwd.users):
        yield from (problem.under("passwd", "users", index) for problem in _user(user, ledger))


def _links(config: Config, view: MachineView) -> Iterator[Problem]:
    """The tools follow no link in place of a file that they write (`O_NOFOLLOW`); a dangling link counts as no file."""
    for path in sorted(_written(config, view)):
        node = view.file_status(resolve_path(view, path))
        if (
            node is not None
            and node.target
            and view.file_status(resolve_path(view, join("/etc", node.target))) is not None
        ):
            message = f"{path} of the root is a link, which useradd and the other tools do not follow"
            yield Problem(("passwd",), message, hint="replace the link by the file", rule="account-file-link")


def _written(config: Config, view: MachineView) -> set[str]:
    """The files that the tools open for writing (as seen with shadow 4.13), and those that passwords go to."""
    written: set[str] = set()
    for group in config.passwd.groups:
        there, wanted = view.group(group.name) is not None, group.should_exist is not False
        if there != wanted:
            written |= {GROUP, GSHADOW}
        elif wanted and group.gid is not None:
            written |= {GROUP, PASSWD}
        written |= {GSHADOW} if wanted and group.password_hash else set()
    for user in config.passwd.users:
        there, wanted = view.user(user.name) is not None, user.should_exist is not False
        if there != wanted:
            written |= {PASSWD, GROUP, SHADOW, GSHADOW} | (set() if user.system else {SUBUID, SUBGID})
        elif wanted and needs_usermod(user):
            written |= {PASSWD, SHADOW} | ({GROUP, GSHADOW} if user.groups else set())
        written |= {SHADOW} if wanted and user.password_hash is not None else set()
    return written


class _Ids:
    """The ids that are taken, with the names of their accounts, as far as known."""

    def __init__(self, view: MachineView, path: str) -> None:
        self.owners: dict[int, str] = {}
        for line in (view.content(resolve_path(view, path)) or b"").decode(errors="surrogateescape").split("\n"):
            fields = line.split(":")
            if len(fields) > 2 and is_id(fields[2]):
                self.owners.setdefault(int(fields[2]), fields[0])

    def forget(self, name: str) -> None:
        """Free the ids of an account that is removed, or that changes its id."""
        self.owners = {number: owner for number, owner in self.owners.items() if owner != name}

    def take(self, field: str, number: int, name: str) -> Iterator[Problem]:
        """Give an account the id that a field of its entry has, or say why it cannot have it."""
        owner = self.owners.get(number, name)
        if not 0 <= number <= LAST_ID:
            yield Problem((field,), f"{number} is not an id: ids go from 0 to {LAST_ID}", rule="id-in-use")
        elif owner != name:
            yield Problem((field,), f"{number} is the id of {owner} already", rule="id-in-use")
        else:
            self.forget(name)
            self.owners[number] = name


class _Ledger:
    """The accounts as they will be, entry by entry."""

    def __init__(self, view: MachineView) -> None:
        self.view = view
        self.uids = _Ids(view, PASSWD)
        self.gids = _Ids(view, GROUP)
        self.vendor = _Ids(view, MORE_GROUPS)
        self.groups = dict.fromkeys(self.vendor.owners.values(), True)
        settings = view.content(LOGIN_DEFS)
        self.own_groups = makes_user_groups(settings)
        self.may_own_groups = self.own_groups or settings is None

    def has_group(self, name: str) -> bool:
        """Whether there is a group of that name."""
        made = self.groups.get(name)
        return made or (made is None and self.view.group(name) is not None)

    def is_primary(self, group: Account) -> Iterator[Problem]:
        """Why groupdel does not remove a group: it is the primary one of a user. Users are changed after groups.

        groupdel is asked itself whether it refuses that, on copies of the account files.
        """
        for line in (self.view.content(resolve_path(self.view, PASSWD)) or b"").decode(errors="replace").split("\n"):
            fields = line.split(":")
            if len(fields) > 3 and is_id(fields[3]) and int(fields[3]) == group.id and self._refuses(group, fields[0]):
                message = f"groupdel does not remove the primary group of the user {fields[0]!r}"
                yield Problem(
                    (),
                    message,
                    hint="give the user another group first, or keep the group",
                    rule="primary-group-removal",
                )

    def _refuses(self, group: Account, user: str) -> bool:
        """Whether groupdel refuses, of a group and a user of that group."""
        passwd, made = f"{user}:x:1:{group.id}::/:\n", f"{group.name}:x:{group.id}:\n"
        files = {path: text.encode(errors="surrogateescape") for path, text in ((PASSWD, passwd), (GROUP, made))}
        return self.view.account_refusal(("groupdel", group.name), files)

    def finds_group(self, text: str) -> bool:
        """Whether the tools find a group: by its number if the text is a number, else by its name."""
        if is_id(text) and (self.view.content(GROUP) is None or {*self.gids.owners, *self.vendor.owners} & {int(text)}):
            return True
        return self.has_group(text)


def _group(group: Group, ledger: _Ledger) -> Iterator[Problem]:
    existing = ledger.view.group(group.name)
    if group.should_exist is False:
        if existing is not None:
            yield from _option(group.name)
            yield from ledger.is_primary(existing)
        ledger.groups[group.name] = False
        ledger.gids.forget(group.name)
        return
    yield from _name(group.name)
    if group.gid is not None and (existing is None or existing.id != group.gid):
        yield from ledger.gids.take("gid", group.gid, group.name)
    if group.password_hash is not None:
        yield from _field("passwordHash", group.password_hash.reveal())
    ledger.groups[group.name] = True


def _user(user: User, ledger: _Ledger) -> Iterator[Problem]:
    existing = ledger.view.user(user.name)
    if user.should_exist is False:
        if existing is not None:
            yield from _option(user.name)
            yield from home_directories.cannot_remove(existing, ledger.view)
        ledger.uids.forget(user.name)
        return
    yield from _name(user.name)
    if user.uid is not None and (existing is None or existing.id != user.uid):
        yield from ledger.uids.take("uid", user.uid, user.name)
    yield from _fields(user)
    if existing is not None:
        yield from home_directories.cannot_move(user, existing, ledger.view)
    yield from _memberships(user, ledger)
    if existing is None and not user.no_user_group and not user.primary_group:
        if ledger.own_groups and ledger.has_group(user.name):
            yield Problem(
                (), f"the group {user.name!r} exists already; give primaryGroup, or noUserGroup", rule="group-in-use"
            )
        if ledger.may_own_groups:
            ledger.groups[user.name] = True


def _name(name: str) -> Iterator[Problem]:
    """Names that no release of the tools takes; Debian's take nearly all others."""
    yield from _option(name)
    if not name or any(letter in ":,\0" or letter.isspace() for letter in name):
        yield Problem(("name",), f"{name!r} is not a name for an account", rule="account-name")


def _option(name: str) -> Iterator[Problem]:
    if name.startswith("-"):
        yield Problem(("name",), f"{name!r} would be read as an option", rule="account-name")


def _fields(user: User) -> Iterator[Problem]:
    """What would break a line of passwd(5) or shadow(5). A hash is never shown."""
    for field, text in (("gecos", user.gecos), ("homeDir", user.home_dir), ("shell", user.shell)):
        yield from _field(field, text or "")
    if user.password_hash is not None:
        yield from _field("passwordHash", user.password_hash.reveal())
    if user.home_dir and not user.home_dir.startswith("/"):
        yield Problem(("homeDir",), f"{user.home_dir!r} is not an absolute path", rule="relative-path")
    if user.shell and user.shell[0] not in "/*":
        yield Problem(("shell",), f"{user.shell!r} is not an absolute path", rule="relative-path")


def _field(field: str, text: str) -> Iterator[Problem]:
    if any(letter in text for letter in ":\n\0"):
        yield Problem((field,), "must not contain a colon or a line break", rule="account-field")


def _memberships(user: User, ledger: _Ledger) -> Iterator[Problem]:
    if user.primary_group and not ledger.finds_group(user.primary_group):
        yield Problem(("primaryGroup",), _no_group(user.primary_group), rule="unknown-group")
    listed = ",".join(user.groups)  # as the tools are given it
    for name in listed.split(",") if listed else ():
        if not ledger.finds_group(name):
            yield Problem(("groups",), _no_group(name), rule="unknown-group")


def _no_group(name: str) -> str:
    return f"there is no group {name!r}; make it in passwd.groups"
