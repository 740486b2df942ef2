from __future__ import annotations

import os
from pathlib import Path

import pytest

from provision.system import mounts, names, sysfs
from provision.system.devices import partition_name


@pytest.mark.parametrize(
    ("label", "link"),
    [
        ("data", "data"),
        ("my data", "my\\x20data"),
        ("a/b", "a\\x2fb"),
        ("é", "é"),
        ("#+-.:=@_", "#+-.:=@_"),
        ("\\", "\\x5c"),
    ],
)
def test_links_are_spelled_as_udev_does(label: str, link: str) -> None:
    assert names.encoded(label) == link


@pytest.mark.parametrize(
    ("disk", "partition"),
    [("/dev/vda", "/dev/vda3"), ("/dev/nvme0n1", "/dev/nvme0n1p3"), ("/dev/loop0", "/dev/loop0p3")],
)
def test_partitions_are_named_as_the_kernel_does(disk: str, partition: str) -> None:
    assert partition_name(disk, 3) == partition


def test_what_is_mounted_is_read_from_the_kernel() -> None:
    proc = mounts.at("/proc")
    assert proc is not None
    assert (proc.format, "rw" in proc.options) == ("proc", True)
    assert mounts.at("/proc/self") is None


def test_mount_points_may_hold_blanks() -> None:
    line = rb"36 35 98:0 /mnt1 /mnt\040two\134x rw,noatime master:1 - ext3 /dev/ro\040ot rw,errors=continue"
    assert mounts.entry(os.fsdecode(line)) == (
        "/mnt two\\x",
        "98:0",
        "/dev/ro ot",
        "ext3",
        ("rw", "noatime", "errors=continue"),
    )


def test_what_is_no_block_device_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert sysfs.find(str(tmp_path / "file")) is None
    assert sysfs.find("/dev/null") is None
    assert sysfs.find("/dev/no-such-device") is None
