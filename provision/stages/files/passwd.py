"""Groups, users, their passwords and their keys, in the order in which the reference engine makes them."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Config, Group, User
from provision.config.model import Secret
from provision.failures import PlanRefused
from provision.planning.actions import Argument, Content, Directory, Keep, Place, Run, SetPassword, Wave, Write
from provision.planning.boot_state import DIRECTORIES, PLAIN_KEYS, paths, truth
from provision.planning.machine_view import Account, Fact, Kind, Node, Observe
from provision.planning.target_paths import missing_parents, resolve
from provision.stages.files.data_loss import replaced

LOGIN_DEFS = "/etc/login.defs"

PASSWD, GROUP, SHADOW, GSHADOW = DATABASES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
"""Where accounts are; a root without them is no system's."""

_DATABASE = frozenset({PASSWD})
_LABELLED = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid", ".pwd.lock")
_IN_ROOT: tuple[Argument, ...] = ("--root", Place("/"))


def plan(config: Config, observe: Observe) -> Iterator[Wave]:
    """Groups first, then each user with home, password and keys. Accounts share their files: one action a wave."""
    for index, group in enumerate(config.passwd.groups):
        yield from _group(group, f"passwd.groups[{index}]", observe)
    for index, user in enumerate(config.passwd.users):
        reason = f"passwd.users[{index}]"
        if user.should_exist is False:
            yield from _remove_user(user, reason, observe)
        else:
            yield from _user(user, reason, observe)


def tools(config: Config) -> frozenset[str]:
    """The programs that the accounts of a config need."""
    groups, users = config.passwd.groups, config.passwd.users
    return frozenset(
        ([] if not groups else ["groupadd", "groupmod", "groupdel"])
        + ([] if not users else ["useradd", "usermod", "userdel"])
    )


def databases(config: Config) -> Iterator[str]:
    """The files that have to be there for the accounts that a config makes; to remove some takes none.

    Without shadow and gshadow passwords stand in these, as the tools have it.
    """
    yield from [GROUP] if any(group.should_exist is not False for group in config.passwd.groups) else []
    yield from [PASSWD] if any(user.should_exist is not False for user in config.passwd.users) else []


def changes(user: User) -> bool:
    """Whether usermod has something to do for an account that is there."""
    return bool(_existing_words(user) + _common_words(user))


def labelled(config: Config, observe: Observe) -> Iterator[str]:
    """What the tools may have made anew: the databases with their copies and locks, and the homes."""
    if not config.passwd.groups and not config.passwd.users:
        return
    yield from (f"/etc/{name}" for name in observe.children("/etc") if name.startswith(_LABELLED))
    for user in config.passwd.users:
        account = observe.user(user.name)
        if account is not None and account.home and not user.no_create_home:
            yield resolve(observe, f"{account.home}/.")


def _group(group: Group, reason: str, observe: Observe) -> Iterator[Wave]:
    existing = observe.group(group.name)
    if group.should_exist is False:
        if existing is not None:
            fact = Fact("group", group.name, None)
            yield (
                _run(
                    f"remove group {group.name}",
                    ("groupdel", *_IN_ROOT, group.name),
                    fact,
                    reason=reason,
                    loses="the group",
                ),
            )
        return
    verb, title = ("groupadd", "make") if existing is None else ("groupmod", "change")
    words = ["--gid", str(group.gid)] if group.gid is not None else []
    words += ["--system"] if group.system and existing is None else []
    if existing is None or words:
        known = existing.id if existing else None
        fact = Fact("group", group.name, Account(group.name, known if group.gid is None else group.gid))
        yield (_run(f"{title} group {group.name}", (verb, *_IN_ROOT, *words, group.name), fact, reason=reason),)
    else:
        yield (Keep(f"group {group.name}", "it is there already", reason),)
    if group.password_hash:
        yield (SetPassword(group.name, group.password_hash, "gshadow", reason=f"{reason}.passwordHash"),)


def _remove_user(user: User, reason: str, observe: Observe) -> Iterator[Wave]:
    if observe.user(user.name) is not None:
        fact = Fact("user", user.name, None)
        argv = ("userdel", "--remove", *_IN_ROOT, user.name)
        yield (
            _run(f"remove user {user.name}", argv, fact, reason=reason, loses="the account with its home directory"),
        )


def _user(user: User, reason: str, observe: Observe) -> Iterator[Wave]:
    existing = observe.user(user.name)
    words = _existing_words(user) if existing else _new_words(user)
    words += _common_words(user)
    if existing is None or words:
        verb, title = ("useradd", "make") if existing is None else ("usermod", "change")
        facts = [Fact("user", user.name, _expected(user, existing))]
        if existing is None:
            facts += [] if user.no_create_home else _home_facts(user, observe)
            facts += _group_facts(user, observe)
        yield (_run(f"{title} user {user.name}", (verb, *_IN_ROOT, *words, user.name), *facts, reason=reason),)
    else:
        yield (Keep(f"user {user.name}", "it is there already", reason),)
    account = observe.user(user.name) or _expected(user, existing)
    if not user.no_create_home:
        yield from _take_over_home(account, observe, reason)
    if _sets_password(user, existing):
        password = Secret(user.password_hash or "*")
        yield (SetPassword(user.name, password, reason=f"{reason}.passwordHash"),)
    if user.ssh_authorized_keys:
        yield from _keys(user, account, observe, f"{reason}.sshAuthorizedKeys")


def _sets_password(user: User, existing: Account | None) -> bool:
    """A new account without a password is locked."""
    return user.password_hash is not None or existing is None


def _home_facts(user: User, observe: Observe) -> list[Fact]:
    """useradd makes a home directory that is not there, and what is missing above it."""
    path = resolve(observe, user.home_dir or f"/home/{user.name}")
    made = missing_parents(observe, path) if observe.node(path) is not None else (*missing_parents(observe, path), path)
    return [Fact("node", one, Node(Kind.DIRECTORY)) for one in made]


def _group_facts(user: User, observe: Observe) -> list[Fact]:
    """useradd makes a group of the user's name where login.defs(5) says so, unless it is told otherwise."""
    if user.no_user_group or user.primary_group or observe.group(user.name) is not None:
        return []
    settings = [line.split() for line in (observe.content(LOGIN_DEFS) or b"").splitlines()]
    return [Fact("group", user.name, Account(user.name, None))] if [b"USERGROUPS_ENAB", b"yes"] in settings else []


def _existing_words(user: User) -> list[str]:
    return ["--home", user.home_dir, "--move-home"] if user.home_dir else []


def _new_words(user: User) -> list[str]:
    words = ["--home-dir", user.home_dir] if user.home_dir else []
    words += ["--no-create-home" if user.no_create_home else "--create-home"]
    words += ["--no-user-group"] if user.no_user_group else []
    words += ["--system"] if user.system else []
    return words + (["--no-log-init"] if user.no_log_init else [])


def _common_words(user: User) -> list[str]:
    words = ["--uid", str(user.uid)] if user.uid is not None else []
    for flag, value in (
        ("--comment", user.gecos),
        ("--gid", user.primary_group),
        ("--groups", ",".join(user.groups)),
        ("--shell", user.shell),
    ):
        words += [flag, value] if value else []
    return words


def _expected(user: User, existing: Account | None) -> Account:
    return Account(
        user.name,
        id=user.uid if user.uid is not None else existing.id if existing else None,
        gid=existing.gid if existing and not user.primary_group else None,
        home=user.home_dir or (existing.home if existing else f"/home/{user.name}"),
        shell=user.shell or (existing.shell if existing else None),
    )


def _take_over_home(account: Account, observe: Observe, reason: str) -> Iterator[Wave]:
    """Directories that were made for mount points below a home belong to its user, as the reference engine has it."""
    home = (account.home or "").rstrip("/")
    for path in paths(observe, DIRECTORIES):
        if home and (path == home or path.startswith(home + "/")):
            yield (Directory(path, 0o700, account.id, account.gid, reason=reason),)


def _keys(user: User, account: Account, observe: Observe, reason: str) -> Iterator[Wave]:
    plain = truth(observe, PLAIN_KEYS)
    home = resolve(observe, (account.home or "").rstrip("/") + "/.ssh").removesuffix("/.ssh")
    path = resolve(observe, home + ("/.ssh/authorized_keys" if plain else "/.ssh/authorized_keys.d/ignition"))
    _check_keys(path, home, observe, reason)
    for parent in missing_parents(observe, path):
        if (parent + "/").startswith(home + "/"):
            yield (Directory(parent, 0o700, account.id, account.gid, reason=reason),)
        else:
            yield (Directory(parent, reason=reason),)
    contents = (Content(("\n".join(user.ssh_authorized_keys) + "\n").encode()),)
    loses = replaced(observe, path, contents)
    yield (Write(path, contents, 0o600, account.id, account.gid, reason=reason, loses=loses),)


def _check_keys(path: str, home: str, observe: Observe, reason: str) -> None:
    """In a home that was kept, its user may have left links: with the rights of root they must not be followed.

    The reference writes keys with the rights of the user. Raises PlanRefused.
    """
    if not path.startswith(home + "/"):
        raise PlanRefused([f"{reason}: {home}/.ssh leads out of the home, to {path}"], hint="remove the link")
    there = observe.node(path)
    if there is not None and there.kind is Kind.DIRECTORY:
        raise PlanRefused([f"{reason}: {path} is a directory"], hint="move it away; keys are a file")


def _run(title: str, argv: tuple[Argument, ...], *facts: Fact, reason: str, loses: str = "") -> Run:
    return Run(title, argv, _DATABASE, facts, reason, loses)
