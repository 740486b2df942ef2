"""Boots that stop, and say why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.boot.machine import Machine

pytestmark = pytest.mark.boot


@pytest.mark.parametrize(
    ("shell", "policy", "told", "end"),
    [
        ("0", "poweroff", "The machine powers itself off", "Power down"),
        ("1", "reboot:1", "The machine reboots in 1 s", "Restarting system"),
    ],
)
def test_a_root_that_does_not_exist_is_named_on_the_consoles(
    shell: str, policy: str, told: str, end: str, *, machine: Machine, config_file: Path
) -> None:
    """dracut runs its hook in another place with `rd.shell=1`; then the policy comes before the shell."""
    arguments = f"ignition.firstboot root=LABEL=missing rd.retry=2 rd.shell={shell} provision.on_failure={policy}"
    boot = machine.boot(arguments, config_file)
    assert boot.report is None
    for console in (boot.console, boot.second_console):
        assert console.count("The boot stopped: there is no root device /dev/disk/by-label/missing") == 1
        assert 'holds ext4 "root"' in console
        assert "hint: correct root=" in console
        assert told in console
    assert f"reboot: {end}" in boot.console


def test_a_driver_that_is_missing_is_hinted_at_on_the_consoles(machine: Machine, config_file: Path) -> None:
    boot = machine.boot("ignition.firstboot rootfstype=jfs provision.on_failure=poweroff", config_file)
    assert boot.report is None
    for console in (boot.console, boot.second_console):
        assert "The boot stopped: sysroot.mount failed (exit-code)" in console
        assert "unknown filesystem type 'jfs'" in console
        assert "hint: the driver of this file system is not in the initramfs" in console
