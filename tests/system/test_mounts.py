"""What is mounted, as the kernel reports it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.planning.boot_state import BootState
from provision.system import mount_table
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine


def test_what_is_mounted_is_read_from_the_kernel() -> None:
    proc = mount_table.at("/proc")
    assert proc is not None
    assert (proc.format, "rw" in proc.options) == ("proc", True)
    assert mount_table.at("/proc/self") is None


def test_mount_points_may_hold_blanks() -> None:
    line = rb"36 35 98:0 /mnt1 /mnt\040two\134x rw,noatime master:1 - ext3 /dev/ro\040ot rw,errors=continue"
    assert mount_table.entry(os.fsdecode(line)) == (
        "/mnt two\\x",
        "98:0",
        "/dev/ro ot",
        "ext3",
        ("rw", "noatime", "errors=continue"),
    )


@pytest.mark.disks
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_a_mount_point_is_found_by_any_name(tmp_path: Path) -> None:
    for name in (
        "two words",
        "back\\slash",
        "back\\040slash",
        "line\nfeed",
        "tab\there",
        "#",
        "ümlaut",
        os.fsdecode(b"\xff"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        assert mount_table.at(str(folder)) is None
        subprocess.run(["mount", "-t", "tmpfs", "first", folder], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "last", folder], check=True)
        try:
            found = mount_table.at(str(folder))
        finally:
            subprocess.run(["umount", folder, folder], check=True)
        assert (found and found.path, found and found.source) == (str(folder), "last")


def test_mount_points_below_a_directory() -> None:
    machine = Machine("/", KernelDevices(), BootState())
    assert "/proc" in machine.mounts_below("/")
    assert machine.mounts_below("/proc/self/fd") == []
    assert machine.mounts_below("/no-such-directory") == ()
