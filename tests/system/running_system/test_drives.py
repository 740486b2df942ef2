"""Drives that hold a config are mounted for as long as they are read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.system import mount_table
from provision.system.running_system.drives import mounted_drive

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount"),
]


def test_a_drive_is_unmounted_while_a_process_that_starts_still_has_a_file_of_it(tmp_path: Path) -> None:
    """Between fork(2) and exec(2) a child has all files of its parent, also those that other threads read."""
    image = tmp_path / "drive.img"
    with image.open("wb") as file:
        file.truncate(4 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    with mounted_drive(str(image), "auto") as folder:
        held = os.open(f"{folder}/lost+found", os.O_RDONLY)
    try:
        assert mount_table.at(folder) is None
        assert not os.path.exists(folder)
    finally:
        os.close(held)
