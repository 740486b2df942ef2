"""Accounts and systemd units of an old config -> those of the newest version.

Ignition 2.x works through both lists in order, so that a later entry of the same name changes what an earlier one
made. Source: coreos/ignition 0.35, `internal/exec/util/passwd.go`, `internal/exec/stages/files/units.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from provision.config.format import Dropin, Group, Passwd, Systemd, Unit, User
from provision.config.model import Secret
from provision.config.old_versions.format import OldAccount, OldConfig, OldGroup, OldUnit, OldUser
from provision.config.problems import Path

_Account = TypeVar("_Account", Group, User)

Origins = dict[Path, Path]
"""Path in the new config -> path in the old one."""


def convert_accounts(config: OldConfig, origins: Origins) -> Passwd:
    """The groups and users, each name once."""
    groups: dict[str, Group] = {}
    users: dict[str, User] = {}
    for index, old_group in enumerate(config.passwd.groups):
        groups[old_group.name] = _group(old_group, groups.get(old_group.name))
        origins["passwd", "groups", list(groups).index(old_group.name)] = ("passwd", "groups", index)
    for index, old_user in enumerate(config.passwd.users):
        users[old_user.name] = _user(old_user, users.get(old_user.name))
        origins["passwd", "users", list(users).index(old_user.name)] = ("passwd", "users", index)
    return Passwd(groups=tuple(groups.values()), users=tuple(users.values()))


def _group(old: OldGroup, earlier: Group | None) -> Group:
    made = {
        "gid": old.gid,
        "password_hash": Secret(old.password_hash) if old.password_hash else None,
        "system": old.system or None,
    }
    return _over(earlier or Group(name=old.name), made)


def _user(old: OldUser, earlier: User | None) -> User:
    account: OldUser | OldAccount = old.create if old.is_set("create") else old
    made: dict[str, object] = {field.name: getattr(account, field.name) or None for field in OldAccount.FIELDS}
    made["uid"] = account.uid
    made["password_hash"] = None if old.password_hash is None else Secret(old.password_hash)
    made["ssh_authorized_keys"] = old.ssh_authorized_keys
    if earlier is not None:
        for name in ("no_create_home", "no_log_init", "no_user_group", "system"):  # only when an account is made
            del made[name]
    return _over(earlier or User(name=old.name), made)


def _over(earlier: _Account, made: Mapping[str, object]) -> _Account:
    return earlier.changed(**{name: one for name, one in made.items() if one is not None and one != ()})


def convert_units(config: OldConfig, origins: Origins) -> Systemd:
    """The units, each name once."""
    units: dict[str, Unit] = {}
    for index, old in enumerate(config.systemd.units):
        units[old.name] = _unit(old, units.get(old.name, Unit(name=old.name)))
        origins["systemd", "units", list(units).index(old.name)] = ("systemd", "units", index)
    return Systemd(units=tuple(units.values()))


def _unit(old: OldUnit, earlier: Unit) -> Unit:
    """The unit after one more entry. Of lines about it in the preset, systemd follows the first (systemd.preset(5))."""
    enabled = earlier.enabled
    if enabled is None:
        enabled = True if old.enable else old.enabled
    mask = True if old.mask else None if old.contents else earlier.mask
    dropins = {dropin.name: dropin for dropin in earlier.dropins}
    dropins.update((one.name, Dropin(name=one.name, contents=one.contents)) for one in old.dropins if one.contents)
    changes: dict[str, object] = {"dropins": tuple(dropins.values())}
    changes |= {name: one for name, one in (("enabled", enabled), ("mask", mask)) if one is not None}
    if old.contents:
        changes["contents"] = old.contents
    if mask is None and earlier.mask:
        changes["mask"] = None
    return earlier.changed(**changes)
