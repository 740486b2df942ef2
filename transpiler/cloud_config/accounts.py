"""The sections `users` and `ssh_authorized_keys`: accounts.

Source: `initialize/config.go` and `system/user.go` of coreos/coreos-cloudinit; update-ssh-keys(1).
"""

from __future__ import annotations

from provision.config import format as ignition_format
from provision.config.problems import Path
from transpiler.cloud_config.parts import Parts
from transpiler.cloud_config.records import CloudConfig, User

IN_THE_IMAGE = frozenset({"core", "root"})
"""Accounts that an image of Container Linux has: only their passwords and keys are set."""

_TEXTS = {"gecos": "gecos", "homedir": "home_dir", "primary_group": "primary_group", "shell": "shell"}
_SWITCHES = ("no_create_home", "no_user_group", "system", "no_log_init")


def add_accounts(config: CloudConfig, parts: Parts) -> None:
    """Add the accounts, and the keys of core, whose list replaces that of `users`."""
    keys: dict[str, tuple[tuple[str, ...], Path]] = {}
    for index, user in enumerate(config.users):
        place: Path = ("users", index)
        if not user.name:
            hint = "add a name, or remove the entry"
            parts.problem(place, "a user without a name is left out", hint, fatal=False)
            continue
        _add(user, place, parts)
        _name_imports(user, place, parts)
        if user.ssh_authorized_keys:
            _add_keys(user.name, user.ssh_authorized_keys, (*place, "ssh_authorized_keys"), keys, parts)
    if config.ssh_authorized_keys:
        place = ("ssh_authorized_keys",)
        _add_keys("core", config.ssh_authorized_keys, place, keys, parts)
    for name, (lines, source) in keys.items():
        account, place = parts.users.get(name) or (ignition_format.User(name=name), source)
        parts.users[name] = (account.changed(ssh_authorized_keys=lines), place)


def _add(user: User, place: Path, parts: Parts) -> None:
    """Add an account. One that exists gets only the password, as one that is given again."""
    before = parts.users.get(user.name)
    account = before[0] if before else ignition_format.User(name=user.name)
    if user.passwd:
        account = account.changed(password_hash=user.passwd)
    given = _creation(user)
    if before or user.name in IN_THE_IMAGE:
        for name in given:
            message = f"the account {user.name} exists, so {_WRITTEN.get(name, name)} does nothing"
            parts.problem((*place, _WRITTEN.get(name, name)), message, "remove it", fatal=False)
    else:
        account = account.changed(**given)
    parts.users[user.name] = (account, before[1] if before else place)


_WRITTEN = {new: old for old, new in _TEXTS.items()}
"""Ignition's name of a field -> its name in a cloud-config."""


def _creation(user: User) -> dict[str, object]:
    """The fields that count when an account is made, by Ignition's names."""
    given: dict[str, object] = {new: text for old, new in _TEXTS.items() if (text := getattr(user, old))}
    if user.groups:
        given["groups"] = tuple(dict.fromkeys(user.groups))
    return given | {name: True for name in _SWITCHES if getattr(user, name)}


def _add_keys(
    name: str, lines: tuple[str, ...], source: Path, keys: dict[str, tuple[tuple[str, ...], Path]], parts: Parts
) -> None:
    """Set the keys of an account. The list replaces an earlier one, because coreos-cloudinit gives both one name."""
    if name in keys:
        message = f"another list of keys of {name} follows, which replaces this one"
        parts.problem(keys[name][1], message, "put all keys into one list", fatal=False)
    trimmed = (line.strip() for line in lines)
    keys[name] = (tuple(dict.fromkeys(line for line in trimmed if line)), source)


def _name_imports(user: User, place: Path, parts: Parts) -> None:
    """Name the keys that the machine would fetch."""
    hint = "write the keys themselves under ssh_authorized_keys; GitHub shows them at https://github.com/NAME.keys"
    for name in ("coreos_ssh_import_github", "coreos_ssh_import_github_users", "coreos_ssh_import_url"):
        if getattr(user, name):
            message = "keys that the machine fetches at each start are lost"
            parts.problem((*place, name), message, hint)
