"""Groups, users, their passwords and their keys, in the order in which Ignition makes them."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Config, Group, User
from provision.config.model import Secret
from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.planning.actions import Keep, RunProgram, SetPassword, Wave
from provision.planning.arguments import Argument, Content, TargetPath
from provision.planning.facts import Fact, GroupFact, UserFact
from provision.planning.file_actions import MakeDirectory, WriteFile
from provision.planning.machine_view import Account, FileType, MachineView
from provision.planning.root.account_files import LOGIN_DEFS, PASSWD, makes_user_groups
from provision.planning.root.target_paths import Unresolvable, missing_parents, resolve_path
from provision.stages.files.accounts import home_directories
from provision.stages.files.data_loss import replaced

_DATABASE = frozenset({PASSWD})
_IN_ROOT: tuple[Argument, ...] = ("--root", TargetPath("/"))


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """Groups first, then each user with home, password and keys. Accounts share their files: one action a wave.

    Raises PlanRefused for a home whose path leads nowhere.
    """
    for index, group in enumerate(config.passwd.groups):
        yield from _group(group, ("passwd", "groups", index), view)
    for index, user in enumerate(config.passwd.users):
        config_path = ("passwd", "users", index)
        change = _remove_user if user.should_exist is False else _user
        try:
            yield from change(user, config_path, view)
        except Unresolvable as refused:  # a home that leads nowhere
            raise refused.under(*config_path) from refused


def needs_usermod(user: User) -> bool:
    """Whether usermod has something to do for an account that is there."""
    return bool(_existing_words(user) + _common_words(user))


def _group(group: Group, config_path: Path, view: MachineView) -> Iterator[Wave]:
    existing = view.group(group.name)
    if group.should_exist is False:
        if existing is not None:
            fact = GroupFact(group.name, None)
            yield (
                _run(
                    f"remove group {group.name}",
                    ("groupdel", *_IN_ROOT, group.name),
                    fact,
                    config_path=config_path,
                    destroys="the group",
                ),
            )
        return
    verb, title = ("groupadd", "make") if existing is None else ("groupmod", "change")
    words = ["--gid", str(group.gid)] if group.gid is not None else []
    words += ["--system"] if group.system and existing is None else []
    if existing is None or words:
        fact = GroupFact(group.name, Account(group.name, group.gid))
        yield (
            _run(f"{title} group {group.name}", (verb, *_IN_ROOT, *words, group.name), fact, config_path=config_path),
        )
    else:
        yield (Keep(f"group {group.name}", "it is there already", config_path),)
    if group.password_hash:
        yield (SetPassword(group.name, group.password_hash, "gshadow", config_path=(*config_path, "passwordHash")),)


def _remove_user(user: User, config_path: Path, view: MachineView) -> Iterator[Wave]:
    account = view.user(user.name)
    if account is not None:
        argv = ("userdel", "--remove", *_IN_ROOT, user.name)
        destroys = "the account with its home directory"
        run = _run(
            f"remove user {user.name}", argv, UserFact(user.name, None), config_path=config_path, destroys=destroys
        )
        yield (run._replace(likely=tuple(home_directories.removed(account, view))),)


def _user(user: User, config_path: Path, view: MachineView) -> Iterator[Wave]:
    existing = view.user(user.name)
    words = _existing_words(user) if existing else _new_words(user)
    words += _common_words(user)
    if existing is None and (missing := home_directories.missing_behind_link(user, view)):
        yield (MakeDirectory(missing[-1], parents=missing[:-1], config_path=config_path),)
    if existing is None or words:
        verb, title = ("useradd", "make") if existing is None else ("usermod", "change")
        facts: list[Fact] = [UserFact(user.name, _expected(user, existing, view))]
        likely: tuple[Fact, ...] = ()
        if existing is None:
            facts += home_directories.facts(user, view)
            facts += _group_facts(user, view)
            likely = tuple(home_directories.likely(user, view))
        else:
            likely = tuple(home_directories.moved(user, existing, view))
        argv = (verb, *_IN_ROOT, *words, user.name)
        yield (_run(f"{title} user {user.name}", argv, *facts, config_path=config_path)._replace(likely=likely),)
    else:
        yield (Keep(f"user {user.name}", "it is there already", config_path),)
    account = view.user(user.name) or _expected(user, existing, view)
    if not user.no_create_home:
        yield from _take_over_home(account, view, config_path)
    if _sets_password(user, existing):
        password = Secret(user.password_hash or "*")
        yield (SetPassword(user.name, password, config_path=(*config_path, "passwordHash")),)
    if user.ssh_authorized_keys:
        yield from _keys(user, account, view, (*config_path, "sshAuthorizedKeys"))


def _sets_password(user: User, existing: Account | None) -> bool:
    """Whether the password is set. A new account without one is locked."""
    return user.password_hash is not None or existing is None


def _group_facts(user: User, view: MachineView) -> list[Fact]:
    """The group that useradd makes, with the user's name: if login.defs(5) says so, unless an option forbids it."""
    if user.no_user_group or user.primary_group or view.group(user.name) is not None:
        return []
    return [GroupFact(user.name, Account(user.name, None))] if makes_user_groups(view.content(LOGIN_DEFS)) else []


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


def _expected(user: User, existing: Account | None, view: MachineView) -> Account:
    return Account(
        user.name,
        id=user.uid if user.uid is not None else existing.id if existing else None,
        gid=existing.gid if existing and not user.primary_group else None,
        home=user.home_dir or (existing.home if existing else home_directories.home_of(user, view)),
        shell=user.shell or (existing.shell if existing else None),
    )


def _take_over_home(account: Account, view: MachineView, config_path: Path) -> Iterator[Wave]:
    """Directories that were made for mount points below a home get its user as their owner, as Ignition does."""
    home = (account.home or "").rstrip("/")
    for path in view.boot_state().made_directories:
        if home and (path == home or path.startswith(home + "/")):
            yield (MakeDirectory(path, 0o700, account.id, account.gid, config_path=config_path),)


def _keys(user: User, account: Account, view: MachineView, config_path: Path) -> Iterator[Wave]:
    plain = view.boot_state().one_keys_file
    home = resolve_path(view, (account.home or "").rstrip("/") + "/.ssh").removesuffix("/.ssh")
    path = resolve_path(view, home + ("/.ssh/authorized_keys" if plain else "/.ssh/authorized_keys.d/ignition"))
    _check_keys(path, home, view, config_path)
    for parent in missing_parents(view, path):
        if (parent + "/").startswith(home + "/"):
            yield (MakeDirectory(parent, 0o700, account.id, account.gid, config_path=config_path),)
        else:
            yield (MakeDirectory(parent, config_path=config_path),)
    contents = (Content(("\n".join(user.ssh_authorized_keys) + "\n").encode()),)
    destroys = replaced(view, path, contents)
    yield (WriteFile(path, contents, 0o600, account.id, account.gid, config_path=config_path, destroys=destroys),)


def _check_keys(path: str, home: str, view: MachineView, config_path: Path) -> None:
    """Raises PlanRefused for keys that would leave the home: its user may have left links in a home that was kept.

    Ignition writes keys with the rights of the user; here root writes them, and must not follow such a link.
    """
    if not path.startswith(home + "/"):
        raise PlanRefused(
            [Problem(config_path, f"{home}/.ssh leads out of the home, to {path}", rule="link-out-of-home")],
            hint="remove the link",
        )
    there = view.file_status(path)
    if there is not None and there.kind is FileType.DIRECTORY:
        raise PlanRefused(
            [Problem(config_path, f"{path} is a directory", rule="directory-in-place-of-file")],
            hint="move it away; keys are a file",
        )


def _run(title: str, argv: tuple[Argument, ...], *facts: Fact, config_path: Path, destroys: str = "") -> RunProgram:
    return RunProgram(title, argv, _DATABASE, facts, config_path, destroys)
