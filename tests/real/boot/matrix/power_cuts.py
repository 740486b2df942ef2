"""A machine that loses its power in each part of its first boot, one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.real.boot.machine import Machine
from tests.real.boot.server import Server
from tests.real.boot.workload import check_provisioned, check_unchanged, config

pytestmark = pytest.mark.boot

CUTS = {
    "it decides whether this is the first boot": "Stage: fetch-offline",
    "the config is fetched": "/child: attempt #1",
    "kernel arguments are compared": "Stage: kargs",
    "a file system is made": "disks: make ",
    "file systems are mounted": "Stage: mount",
    "files are written": "files: set the password hash of core",
    "all is done but the record": "Stage: umount",
}
"""What happens at the moment -> the message of the journal, which the console shows, at which qemu is killed."""


def test_a_machine_without_power_goes_on_at_its_next_boot(machine: Machine, server: Server, tmp_path: Path) -> None:
    arguments = "provision.firstboot=auto"
    server.files["/child"] = json.dumps(config(server.url)).encode()
    names_child = {"version": "3.4.0", "config": {"replace": {"source": server.url_of("/child")}}}
    config_file = tmp_path / "config.ign"
    config_file.write_text(json.dumps({"ignition": names_child}))
    for text in CUTS.values():
        with machine.running(f"{arguments} systemd.journald.forward_to_console=yes", config_file) as boot:
            boot.wait_for(text)
    boot_to_the_end = machine.boot(arguments, config_file)
    check_provisioned(boot_to_the_end.reported)
    asked = server.asked
    later = machine.boot(arguments, config_file)
    assert server.asked == asked
    check_unchanged(boot_to_the_end, later)


def test_a_first_boot_that_was_asked_for_once_goes_on_without_the_argument(
    machine: Machine, config_file: Path, tmp_path: Path
) -> None:
    """The argument is typed over a machine whose record is in its root file system, and is gone at the next boot."""
    earlier, arguments = tmp_path / "earlier.ign", "provision.firstboot=auto"
    earlier.write_text(json.dumps({"ignition": {"version": "3.4.0"}}))
    assert machine.boot(arguments, earlier).reported["nodes"]["/etc/.provision-complete.json"]["size"]
    shown = "systemd.journald.forward_to_console=yes"
    with machine.running(f"{arguments} {shown} ignition.firstboot", config_file) as boot:
        assert "says now that a first boot has begun" in boot.wait_for(CUTS["a file system is made"])
    with machine.running(f"{arguments} {shown}", config_file) as boot:
        boot.wait_for(CUTS["files are written"])
    boot_to_the_end = machine.boot(arguments, config_file)
    check_provisioned(boot_to_the_end.reported)
    check_unchanged(boot_to_the_end, machine.boot(arguments, config_file))
