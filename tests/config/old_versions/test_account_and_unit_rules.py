"""Rules of 2.x for accounts and units. Source: `config/v2_*/types` of Ignition 0.35."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provision.config.validate import validate

SERVICE = "[Service]\nExecStart=/bin/true\n"
INSTALLED = f"{SERVICE}[Install]\nWantedBy=multi-user.target\n"


def found(version: int, **sections: Any) -> list[str]:
    """The problems of a config of version 2.`version`, each with its place."""
    config = {"ignition": {"version": f"2.{version}.0"}, **sections}
    problems = validate(json.dumps(config).encode()).problems
    return [f"{one.severity} {'.'.join(map(str, one.path))}: {one.message}" for one in problems]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("gecos", "a"), ("homeDir", "/a"), ("noCreateHome", True), ("primaryGroup", "a"), ("groups", ["a"])),
        *(("noUserGroup", True), ("system", True), ("noLogInit", True), ("shell", "/bin/sh"), ("uid", 0)),
    ],
)
def test_create_excludes_the_same_field_of_the_user(field: str, value: object) -> None:
    place = "passwd.users.0"
    old = f"warning {place}.create: the create object has been deprecated in favor of user-level options"
    assert found(3, passwd={"users": [{"name": "a", "create": {}}]}) == [old]
    assert found(3, passwd={"users": [{"name": "a", field: value}]}) == []
    both = found(3, passwd={"users": [{"name": "a", "create": {}, field: value}]})
    assert sorted(both) == [
        f"error {place}.{field}: cannot use both the create object and the user-level {field} field",
        old,
    ]


@pytest.mark.parametrize(("version", "refused"), [(0, True), (1, False)])
def test_ids_of_2_0_are_not_negative(version: int, refused: bool) -> None:
    message = "expected a whole number that is not negative"
    groups = found(version, passwd={"groups": [{"name": "a", "gid": -1}]})
    assert groups == ([f"error passwd.groups.0.gid: {message}"] if refused else [])
    users = found(version, passwd={"users": [{"name": "a", "create": {"uid": -1}}]})
    assert (f"error passwd.users.0.create.uid: {message}" in users) == refused
    assert not any("error" in one for one in found(version, passwd={"users": [{"name": "a", "create": {"uid": 0}}]}))


@pytest.mark.parametrize(
    ("unit", "told"),
    [
        ({"contents": INSTALLED, "enable": True}, False),
        ({"contents": SERVICE, "enable": True}, True),
        ({"contents": SERVICE, "enabled": True}, True),
        ({"contents": SERVICE, "enabled": False}, False),
        ({"contents": SERVICE}, False),
        ({"enable": True}, False),
    ],
)
def test_an_enabled_unit_says_where(unit: dict[str, Any], told: bool) -> None:
    message = 'unit "a.service" is enabled, but has no install section so enable does nothing'
    problems = found(3, systemd={"units": [{"name": "a.service", **unit}]})
    assert problems == ([f"warning systemd.units.0.contents: {message}"] if told else [])


@pytest.mark.parametrize(
    ("section", "name", "error"),
    [
        ("systemd", "a.timer", ""),
        ("systemd", "a.network", "invalid systemd unit extension"),
        ("systemd", "a", "invalid systemd unit extension"),
        *(("networkd", f"a.{suffix}", "") for suffix in ("link", "netdev", "network")),
        ("networkd", "a.service", "invalid networkd unit extension"),
    ],
)
def test_units_have_a_known_suffix(section: str, name: str, error: str) -> None:
    expected = [f"error {section}.units.0.name: {error}"] if error else []
    assert found(3, **{section: {"units": [{"name": name}]}}) == expected
    assert found(3, **{section: {"units": [{"name": name, "contents": "[X"}]}})[0].startswith("error")


@pytest.mark.parametrize(("section", "unit"), [("systemd", "a.service"), ("networkd", "a.network")])
@pytest.mark.parametrize(("name", "valid"), [("a.conf", True), ("a.config", False), ("conf", False)])
def test_dropins_end_in_conf(section: str, unit: str, name: str, valid: bool) -> None:
    dropins = [{"name": name, "contents": "[A]\nb=c\n"}]
    problems = found(3, **{section: {"units": [{"name": unit, "dropins": dropins}]}})
    expected = f"error {section}.units.0.dropins.0.name: invalid {section} drop-in extension"
    assert problems == ([] if valid else [expected])
