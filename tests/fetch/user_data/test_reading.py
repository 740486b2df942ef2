"""User data that is no config: a cloud-config of CoreOS, or a script."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.config.format import Config
from provision.config.resources.data_urls import decode_data_url
from provision.failures import ConfigInvalid
from provision.fetch.base_config import base_config, merged
from provision.fetch.find_config import AddressesOf, find_config, no_addresses
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.system.running_system.local_system import LocalSystem


class Machine:
    """A tree of files in the place of a machine's interfaces."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.system = LocalSystem(SystemPaths(), str(root))

    def write(self, path: str, data: bytes) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def config(self, addresses: AddressesOf = no_addresses) -> Config:
        return find_config("metal", self.system, FetchSettings(), addresses=addresses).config


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def given(_platform: str, _context: object) -> Mapping[str, str]:
    return {"private_ipv4": "10.0.0.5"}


CLOUD_CONFIG = b"#cloud-config\nwrite_files: [{path: /a, content: $private_ipv4}]\n"


def test_a_cloud_config_is_converted_with_the_addresses_of_the_machine(machine: Machine) -> None:
    machine.write("/etc/ignition/user.ign", CLOUD_CONFIG)
    config = machine.config(given)
    assert [file.contents.source for file in config.storage.files] == ["data:,10.0.0.5"]


def test_addresses_are_asked_for_only_if_they_are_named(machine: Machine) -> None:
    machine.write("/etc/ignition/user.ign", b"#cloud-config\nhostname: a\n")

    def asked(_platform: str, _context: object) -> dict[str, str]:
        raise AssertionError("no address is needed")

    assert [file.path for file in machine.config(asked).storage.files] == ["/etc/hostname"]


def test_a_cloud_config_that_would_lose_something_is_refused_with_all_losses(machine: Machine) -> None:
    machine.write("/etc/ignition/user.ign", CLOUD_CONFIG + b"runcmd: [ls]\n")
    with pytest.raises(ConfigInvalid) as invalid:
        machine.config()
    assert {one.message for one in invalid.value.problems} == {
        "$private_ipv4 is known only on the machine",
        "coreos-cloudinit has no key runcmd, so it does nothing",
    }


def test_a_script_runs_once_where_the_kernel_command_line_allows_it(machine: Machine) -> None:
    machine.write("/proc/cmdline", b"provision.scripts=run\n")
    machine.write("/etc/ignition/user.ign", b"#!/bin/sh\necho $private_ipv4 $1\n")
    config = machine.config(given)
    (file,) = config.storage.files
    assert (file.mode, decode_data_url(file.contents.source or "")) == (0o700, b"#!/bin/sh\necho 10.0.0.5 $1\n")
    (unit,) = config.systemd.units
    assert unit.enabled
    assert f"ConditionPathExists=!{file.path}.started" in (unit.contents or "")


def test_a_script_is_refused_otherwise(machine: Machine) -> None:
    machine.write("/etc/ignition/user.ign", b"#!/bin/sh\n")
    with pytest.raises(ConfigInvalid) as invalid:
        machine.config()
    assert "provision.scripts=run" in invalid.value.problems[0].hint


def test_the_cloud_config_of_the_images_maker_comes_before_the_users(machine: Machine) -> None:
    machine.write(
        "/usr/share/oem/cloud-config.yml",
        b"#cloud-config\nhostname: oem\nwrite_files: [{path: /oem}]\n"
        b"coreos: {units: [{name: a.service, command: start}]}\n",
    )
    machine.write(
        "/etc/ignition/user.ign",
        b"#cloud-config\nhostname: user\ncoreos: {units: [{name: b.service, command: start}]}\n",
    )
    config = merged((machine.config(),), base_config("qemu", machine.system))
    contents = {file.path: decode_data_url(file.contents.source or "") for file in config.storage.files}
    assert contents == {"/etc/hostname": b"user\n", "/oem": b""}
    starts = {unit.name: unit.contents or "" for unit in config.systemd.units if "cloud-config" in unit.name}
    assert [(name, "start a" in text, "start b" in text) for name, text in sorted(starts.items())] == [
        ("cloud-config-commands-oem.service", True, False),
        ("cloud-config-commands.service", False, True),
    ]
