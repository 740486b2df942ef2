"""A machine that loses its power in each part of its first boot, one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.boot.machine import Machine
from tests.real.boot.server import Server
from tests.real.boot.workload import LATER, check_provisioned, ran

pytestmark = pytest.mark.boot

CUTS = {
    "it decides whether this is the first boot": "Stage: fetch-offline",
    "a file system is made": "disks: make ",
    "files are written": "files: set the password hash of core",
    "all is done but the record": "Stage: umount",
}
"""What happens at the moment -> the message of the journal, which the console shows, at which qemu is killed."""


def test_a_machine_without_power_goes_on_at_its_next_boot(machine: Machine, server: Server, config_file: Path) -> None:
    arguments = "provision.firstboot=auto"
    for text in CUTS.values():
        with machine.running(f"{arguments} systemd.journald.forward_to_console=yes", config_file) as boot:
            boot.wait_for(text)
    boot_to_the_end = machine.boot(arguments, config_file)
    check_provisioned(boot_to_the_end.reported)
    asked = server.asked
    later = machine.boot(arguments, config_file)
    assert ran(later) == LATER
    assert server.asked == asked
    assert later.reported["nodes"] == boot_to_the_end.reported["nodes"]
