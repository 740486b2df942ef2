"""What accounts, systemd units and networkd units of version 2.x must satisfy, in the words of Ignition 2.x.

Source: coreos/ignition 0.35, `config/v2_*/types`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.config.old_versions.format import (
    OldDropin,
    OldGroup,
    OldNetworkdDropin,
    OldNetworkdUnit,
    OldUnit,
    OldUser,
)
from provision.config.problems import Problem
from provision.config.rules.declare import Rule, rule
from provision.config.rules.systemd import UNIT_SUFFIXES, bad_text, cannot_install, quoted, suffix


@rule(OldUser, since="2.1")
def user_is_described_once(user: OldUser) -> Iterator[Problem]:
    """What `create` of version 2.0 says is not said again at the user."""
    if not user.is_set("create"):
        return
    message = "the create object has been deprecated in favor of user-level options"
    yield Problem(("create",), message, fatal=False)
    for field in type(user.create).FIELDS:
        value = getattr(user, field.name)
        if value is not None if field.optional else value:
            message = f"cannot use both the create object and the user-level {field.json} field"
            yield Problem((field.json,), message)


@rule(OldUser, until="2.1")
def first_users_have_no_negative_ids(user: OldUser) -> Iterator[Problem]:
    """User ids of version 2.0 are unsigned."""
    if user.create.uid is not None and user.create.uid < 0:
        yield Problem(("create", "uid"), "expected a whole number that is not negative")


@rule(OldGroup, until="2.1")
def first_groups_have_no_negative_ids(group: OldGroup) -> Iterator[Problem]:
    """Group ids of version 2.0 are unsigned."""
    if group.gid is not None and group.gid < 0:
        yield Problem(("gid",), "expected a whole number that is not negative")


@rule(OldUnit)
def unit_is_sound(unit: OldUnit) -> Iterator[Problem]:
    """A unit's text can be read, its name has a suffix of systemd's, and one that is enabled says where."""
    yield from bad_text(unit.contents)
    if (unit.enable or unit.enabled) and unit.contents and cannot_install(unit.contents):
        message = f"unit {quoted(unit.name)} is enabled, but has no install section so enable does nothing"
        yield Problem(("contents",), message, fatal=False, hint="add [Install] with WantedBy=multi-user.target")
    yield from _bad_name(unit.name, UNIT_SUFFIXES, "invalid systemd unit extension")


@rule(OldDropin)
def dropin_is_sound(dropin: OldDropin) -> Iterator[Problem]:
    """A drop-in's text can be read, and its name ends in .conf."""
    yield from bad_text(dropin.contents)
    yield from _bad_name(dropin.name, (".conf",), "invalid systemd drop-in extension")


@rule(OldNetworkdUnit)
def networkd_unit_is_sound(unit: OldNetworkdUnit) -> Iterator[Problem]:
    """A networkd unit's text can be read, and its name has a suffix of networkd's."""
    yield from bad_text(unit.contents)
    yield from _bad_name(unit.name, (".link", ".netdev", ".network"), "invalid networkd unit extension")


@rule(OldNetworkdDropin)
def networkd_dropin_is_sound(dropin: OldNetworkdDropin) -> Iterator[Problem]:
    """A drop-in's text can be read, and its name ends in .conf."""
    yield from bad_text(dropin.contents)
    yield from _bad_name(dropin.name, (".conf",), "invalid networkd drop-in extension")


def _bad_name(name: str, suffixes: Iterable[str], message: str) -> Iterator[Problem]:
    if suffix(name) not in suffixes:
        yield Problem(("name",), message, hint=f"the name ends in {', '.join(suffixes)}")


ACCOUNT_AND_UNIT_RULES: tuple[Rule, ...] = (
    user_is_described_once,
    first_users_have_no_negative_ids,
    first_groups_have_no_negative_ids,
    unit_is_sound,
    dropin_is_sound,
    networkd_unit_is_sound,
    networkd_dropin_is_sound,
)
"""Every rule about them."""
