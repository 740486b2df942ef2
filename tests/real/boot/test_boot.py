"""A real machine: provisioned by its first boot from a packed config, left alone by its second; and one interrupted.

`make boot-matrix` boots many more kinds of machines (the folder matrix).
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.equipment import grub_disk, tpm
from tests.real.boot.machine import Machine, cpio
from tests.real.boot.server import Server
from tests.real.boot.workload import (
    IDS,
    LATER,
    MOVED,
    UNWANTED,
    check_provisioned,
    config,
    packed,
    ran,
    with_grub_and_tpm,
)

pytestmark = [
    pytest.mark.boot,
    pytest.mark.xdist_group("boot"),
    pytest.mark.skipif(os.geteuid() != 0, reason="building a machine's root needs root"),
]

STEPS = ["look", "network", "disks", "files", "record"]
FETCHED_STEPS = ["look", "network", "fetch", "disks", "files", "record"]
"""Those of a config that names another one: it is fetched before a disk is touched."""


@pytest.fixture
def machine(images: DebianRoot, tmp_path: Path) -> Machine:
    return Machine(images, tmp_path / "machine")


def test_first_boot_provisions_and_the_second_leaves_all_as_it_is(
    images: DebianRoot, machine: Machine, server: Server, tmp_path: Path
) -> None:
    config_file = packed(with_grub_and_tpm(config(server.url)), server, tmp_path)
    disk = grub_disk(images, tmp_path, f"provision.firstboot=auto {UNWANTED}")

    with tpm(tmp_path / "tpm") as devices:
        rebooted = machine.boot_from_disk(disk, config_file, devices=devices)
    assert rebooted.report is None, "it did not reboot for the kernel arguments"
    with machine.data.open("rb") as data:
        assert not any(data.read(1 << 20)), "it changed a disk before it rebooted"
    with tpm(tmp_path / "tpm") as devices:
        first = machine.boot_from_disk(disk, config_file, devices=devices)
    print(f"\nfirst boot: {first}")
    check_provisioned(first.reported)
    assert first.reported["nodes"]["/opt/moved"]["sha512"] == hashlib.sha512(MOVED).hexdigest()
    assert [unit for unit in ran(first) if unit != "resolve"] == FETCHED_STEPS
    assert "nosmt" in first.reported["arguments"]
    assert UNWANTED not in first.reported["arguments"]
    assert {one["message"] for one in first.reported["journal"] if one["id"] in IDS} == {
        'fetched user config from "qemu"',
        'fetched referenced user config from ""',
        'fetched referenced user config from "/second.ign"',
        "wrote the ssh keys of user core",
    }
    assert first.reported["grub"] == 'GRUB_CMDLINE_LINUX="nosmt"\n'
    asked = server.asked

    with tpm(tmp_path / "tpm") as devices:
        second = machine.boot_from_disk(disk, config_file, devices=devices)
    print(f"\nsecond boot: {second}")
    assert ran(second) == LATER
    assert server.asked == asked
    assert second.reported["nodes"] == first.reported["nodes"]
    assert second.reported["nodes"]["/srv/secret/hello"]["size"] == len("of the TPM")
    assert second.reported["devices"] == first.reported["devices"]
    assert second.reported["core"] == first.reported["core"]


def test_a_machine_whose_files_stage_is_killed_is_provisioned_by_its_next_boot(
    machine: Machine, server: Server, tmp_path: Path
) -> None:
    config_file = tmp_path / "config.ign"
    config_file.write_text(json.dumps(config(server.url)))
    killed = "[Service]\nTimeoutStartSec=60\nTimeoutStopSec=1\nKillSignal=SIGKILL\n"
    drop_in = {"usr/lib/systemd/system/provision-files.service.d/killed.conf": killed}
    asked = server.asked
    server.open.clear()
    first = machine.boot("provision.firstboot=auto", config_file, overlay=cpio(drop_in))
    assert server.asked > asked, "it was not killed while it fetched"
    assert first.report is None, "a machine that is half provisioned must not come up"
    for console in (first.console, first.second_console):
        assert console.count("The first boot stopped: provision-files.service failed (timeout)\nIt said last:\n") == 1
        assert f"GET {server.url}: attempt #" in console
    assert f"ignition: waiting for {server.url} for 5 s (without limit): " in first.console

    server.open.set()
    second = machine.boot("provision.firstboot=auto", config_file)
    check_provisioned(second.reported)
    assert [unit for unit in ran(second) if unit != "resolve"] == STEPS
