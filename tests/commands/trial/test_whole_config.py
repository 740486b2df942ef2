"""The config of the machine: that of the author, and ours."""

from __future__ import annotations

import json

from provision.commands.given_config import merge_references
from provision.commands.trial.whole_config import whole_config
from provision.config.validate import validate

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpasLtGk2cJRgz1pMmqPNYvAtq5wE1fQ2n6hG8k0ooY try"
AUTHORS = {
    "ignition": {"version": "3.2.0"},
    "passwd": {"users": [{"name": "root", "sshAuthorizedKeys": ["ssh-ed25519 own"]}]},
    "systemd": {"units": [{"name": "serial-getty@ttyS0.service", "enabled": True}]},
}


def test_both_are_merged_as_a_machine_merges_them() -> None:
    outer = validate(whole_config(json.dumps(AUTHORS).encode(), KEY).encode())
    assert outer.config is not None
    assert not outer.problems
    merged = merge_references(outer.config, 0).config
    (root,) = merged.passwd.users
    assert root.ssh_authorized_keys == ("ssh-ed25519 own", KEY)
    units = {unit.name: unit for unit in merged.systemd.units}
    assert units["serial-getty@ttyS0.service"].enabled
    assert len(units["serial-getty@ttyS0.service"].dropins) == 1
    assert units["provision-try.service"].enabled


def test_without_ssh_no_key_is_added() -> None:
    outer = validate(whole_config(json.dumps(AUTHORS).encode(), "").encode())
    assert outer.config is not None
    merged = merge_references(outer.config, 0).config
    assert merged.passwd.users[0].ssh_authorized_keys == ("ssh-ed25519 own",)
