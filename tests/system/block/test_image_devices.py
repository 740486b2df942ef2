"""Images are read without root and without loop devices."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.planning.machine_view import Device, PartitionEntry, PartitionTable, Signature
from provision.system.block.devices import DeviceFailed
from provision.system.block.image_devices import Image, ImageDevices
from provision.system.block.partitions import tables

MIB = 1 << 20
SIZE = 64 * MIB
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
GUID = "DEADBEEF-0000-4000-8000-00000000000{}"
UUID = "01234567-89ab-4def-8123-456789abcdef"
DATA = Device("/dev/nvme0n1p9", 16 * MIB)


@pytest.fixture
def devices(tmp_path: Path) -> ImageDevices:
    first, second = str(tmp_path / "first.img"), str(tmp_path / "second.img")
    for path in (first, second):
        Path(path).touch()
        os.truncate(path, SIZE)
    parts = (
        PartitionEntry(2, 2048, 8192, LINUX, GUID.format(2), "boot"),
        PartitionEntry(9, 32768, 32768, LINUX, GUID.format(9), "da ta"),
    )
    tables.write(first, PartitionTable("gpt", GUID.format(1), 512, 34, SIZE // 512 - 34, parts), size=SIZE, erase=False)
    subprocess.run(
        ["mkfs.ext4", "-q", "-L", "lab el", "-U", UUID, "-E", f"offset={16 * MIB}", first, "16M"], check=True
    )
    return ImageDevices({"/dev/nvme0n1": Image(first), "/dev/disk/by-id/virtio-two": Image(second)})


@pytest.mark.parametrize(
    "name",
    [
        "/dev/nvme0n1p9",
        "/dev/disk/by-partlabel/da\\x20ta",
        "/dev/disk/by-partuuid/deadbeef-0000-4000-8000-000000000009",
        "/dev/disk/by-label/lab\\x20el",
        f"/dev/disk/by-uuid/{UUID}",
    ],
)
def test_a_partition_has_many_names(devices: ImageDevices, name: str) -> None:
    assert devices.device(name) == DATA
    assert devices.signature(name) == Signature("ext4", "lab el", UUID)
    assert devices.table(name) == PartitionTable("")
    assert devices.luks_header(name) is None


def test_disks(devices: ImageDevices) -> None:
    assert devices.device("/dev/nvme0n1") == Device("/dev/nvme0n1", SIZE)
    assert [one.number for one in devices.table("/dev/nvme0n1").partitions] == [2, 9]
    assert devices.device("/dev/disk/by-id/virtio-two") == Device("/dev/disk/by-id/virtio-two", SIZE)
    assert devices.signature("/dev/disk/by-id/virtio-two") == Signature()


@pytest.mark.parametrize(
    "name",
    [
        "/dev/nvme0n1p1",
        "/dev/nvme0n19",
        "/dev/nvme0n1p09",
        "/dev/disk/by-partlabel/da ta",
        "/dev/disk/by-partlabel/none",
        "/dev/disk/by-label/",
        "/dev/disk/by-id/virtio-two-part1",
        "/dev/nvme0n1/../nvme0n1",
        "",
    ],
)
def test_other_names_lead_nowhere(devices: ImageDevices, name: str) -> None:
    assert devices.device(name) is None
    with pytest.raises(DeviceFailed):
        devices.node(name)


def test_devices_of_this_machine_are_not_there(devices: ImageDevices) -> None:
    """Kernel names are not found; links by label or UUID are found only in the images."""
    ours = [f"/dev/{name}" for name in os.listdir("/sys/class/block") if not name.startswith("nvme0n1")]
    assert ours
    assert {devices.device(name) for name in ours} == {None}


def test_waiting_for_what_cannot_come_ends_at_once(devices: ImageDevices) -> None:
    devices.wait(["/dev/nvme0n1", "/dev/nvme0n1p2"])
    devices.wait(["/dev/nvme0n1p3"], gone=True)
    with pytest.raises(DeviceFailed, match="in none of the images: /dev/sdb"):
        devices.wait(["/dev/nvme0n1", "/dev/sdb"])
    with pytest.raises(DeviceFailed, match="still there"):
        devices.wait(["/dev/nvme0n1p2"], gone=True)


def test_looking_changes_nothing(devices: ImageDevices, tmp_path: Path) -> None:
    before = (tmp_path / "first.img").read_bytes()
    for name in ("/dev/nvme0n1", "/dev/disk/by-label/x", "/dev/nvme0n1p9"):
        devices.device(name)
    devices.release()
    assert (tmp_path / "first.img").read_bytes() == before
