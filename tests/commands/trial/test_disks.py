"""Which disks a machine needs, so that a config finds the names that it uses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provision.commands.trial.disks import disks_of
from provision.config.json_text.decode import decode


def names(*devices: str, **more: Any) -> tuple[list[str], list[str]]:
    storage = {"disks": [{"device": device} for device in devices], **more}
    disks, others = disks_of(decode(json.dumps({"ignition": {"version": "3.4.0"}, "storage": storage}).encode()))
    return [disk.name for disk in disks], others


@pytest.mark.parametrize(
    ("devices", "made"),
    [
        ((), ["root"]),
        (("/dev/vda",), ["vda", "root"]),
        (("/dev/vdb",), ["root", "vdb"]),
        (("/dev/vdc",), ["root", "vdb", "vdc"]),
        (("/dev/vda", "/dev/vdc"), ["vda", "root", "vdc"]),
        (("/dev/disk/by-id/virtio-data",), ["root", "data"]),
        (("/dev/sdb", "/dev/vda"), ["vda", "root", "sda", "sdb"]),
        (("/dev/nvme1n1",), ["root", "nvme0", "nvme1"]),
    ],
)
def test_the_root_takes_a_name_that_the_config_does_not_use(devices: tuple[str, ...], made: list[str]) -> None:
    assert names(*devices) == (made, [])


def test_partitions_and_members_of_arrays_belong_to_disks() -> None:
    raid = [{"name": "data", "level": "raid1", "devices": ["/dev/sda1", "/dev/disk/by-id/virtio-b-part2"]}]
    filesystems = [{"device": "/dev/md/data"}, {"device": "/dev/disk/by-partlabel/x"}, {"device": "/dev/nvme0n1p2"}]
    assert names(raid=raid, filesystems=filesystems) == (["root", "b", "sda", "nvme0"], [])


def test_names_that_a_machine_cannot_have_are_told() -> None:
    assert names("/dev/disk/by-path/pci-0000:00:1f.2-ata-1", "/dev/dasda") == (
        ["root"],
        ["/dev/disk/by-path/pci-0000:00:1f.2-ata-1", "/dev/dasda"],
    )


def test_a_name_of_a_config_is_no_option_of_qemu() -> None:
    assert names("/dev/disk/by-id/virtio-x,file=/etc/shadow")[0] == ["root"]
