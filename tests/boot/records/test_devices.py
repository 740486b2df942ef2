"""What disks hold, when the record is looked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

from provision.boot.records.devices import first_signature
from provision.system.block.sysfs import Block


def blank(path: Path) -> Block:
    """A file of zeros in the place of a device."""
    path.write_bytes(bytes(1 << 20))
    return Block("/sys/absent", str(path))


def test_a_device_without_a_node_holds_nothing_and_the_search_goes_on(tmp_path: Path) -> None:
    absent, disk = Block("/sys/absent", str(tmp_path / "absent")), blank(tmp_path / "disk")
    assert first_signature([absent, disk]) == ""
    subprocess.run(["mkswap", disk.node], check=True, capture_output=True)
    assert first_signature([absent, disk]) == f"{disk.node} holds swap"
    subprocess.run(["mkfs.ext2", "-q", "-F", "-L", "CONFIG-2", disk.node], check=True)
    assert first_signature([disk]) == ""


def test_a_disk_that_cannot_be_read_may_hold_anything(tmp_path: Path) -> None:
    """A link to itself in its place: opening it fails."""
    (tmp_path / "disk").symlink_to("disk")
    assert first_signature([Block("/sys/absent", str(tmp_path / "disk"))]) == f"{tmp_path / 'disk'} cannot be read"


def test_loop_devices_and_optical_media_are_no_disks(tmp_path: Path) -> None:
    for name in ("loop0", "sr0", "zram0"):
        disk = blank(tmp_path / name)
        subprocess.run(["mkswap", disk.node], check=True, capture_output=True)
        assert first_signature([disk]) == ""
