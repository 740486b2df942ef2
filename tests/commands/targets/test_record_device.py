"""Whose kernel command line tells where the record of a first boot is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.commands.targets.record_device import is_this_machine

PROGRAM = "from provision.commands.targets.record_device import command_line_for; print(command_line_for('/'))"

CHROOT = """
for folder in /*; do
    [ ! -h "$folder" ] || cp -P "$folder" "$1"
    [ -d "$folder" ] && [ ! -h "$folder" ] || continue
    mkdir "$1$folder" && mount --rbind "$folder" "$1$folder"
done
chroot "$@"
"""


def test_the_root_of_the_running_system_is_this_machine(tmp_path: Path) -> None:
    assert is_this_machine("/")
    assert is_this_machine("/..")
    assert not is_this_machine(str(tmp_path))


@pytest.mark.disks
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_an_image_that_is_built_in_a_chroot_is_not_the_machine_that_builds_it(tmp_path: Path) -> None:
    """To clean it must not remove the record of that machine, which would be provisioned again."""
    argv = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--mount-proc",
        "sh",
        "-euc",
        CHROOT,
        "sh",
        str(tmp_path),
        sys.executable,
        "-c",
        PROGRAM,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("\n", "")
    inside = subprocess.run([*argv[:5], *argv[-3:]], capture_output=True, text=True, check=True)
    assert inside.stdout.strip() == Path("/proc/cmdline").read_text().strip()
