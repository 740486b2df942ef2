"""Devices that two entries of a config use, also under different names."""

from __future__ import annotations

import pytest

from provision.config.format import Config, Disk, Filesystem, Luks, Partition, Raid, Storage
from provision.failures import PlanRefused
from provision.planning.machine_view import PartitionTable
from provision.stages import disks
from provision.stages.disks.device_conflicts import conflicts
from tests.stages.world import World, partition, run

DISK = "/dev/vda"
PARTITIONS = (partition(1, 2048, 20480, "one"), partition(2, 22528, 20480, "two"))


def world() -> World:
    return World().with_disk(DISK, *PARTITIONS)


def reasons(machine: World, **storage: object) -> list[str]:
    return list(PlanRefused(list(conflicts(Config(storage=Storage().changed(**storage)), machine))).reasons)


def filesystem(device: str, **changed: object) -> Filesystem:
    return Filesystem(device=device, format="ext4").changed(**changed)


def array(*devices: str) -> Raid:
    return Raid(name="data", level="raid1", devices=devices)


def volume(device: str) -> Luks:
    return Luks(name="safe", device=device)


def disk(**changed: object) -> Disk:
    return Disk(device=DISK, partitions=(Partition(number=1).changed(**changed),))


def test_one_device_in_two_layers() -> None:
    storage = {"raid": (array("/dev/vda1", "/dev/vda2"),), "luks": (volume("/dev/vda2"),)}
    twice = filesystem("/dev/disk/by-partlabel/one")
    assert reasons(world(), **storage, filesystems=(twice, filesystem("/dev/mapper/safe"))) == [
        "storage.luks[0]: /dev/vda2 is already used by storage.raid[0].devices[1]",
        "storage.filesystems[0]: /dev/disk/by-partlabel/one is already used by storage.raid[0].devices[0]",
    ]


def test_a_disk_and_its_partition() -> None:
    assert reasons(world(), luks=(volume(DISK),), filesystems=(filesystem("/dev/vda1"),)) == [
        "storage.filesystems[0]: /dev/vda1 is part of /dev/vda, which is used by storage.luks[0]"
    ]


def test_a_partition_of_a_mapping() -> None:
    machine = World().with_device("/dev/dm-1", 1, "/dev/mapper/path")
    machine.devices["/dev/dm-1"] = machine.devices["/dev/dm-1"]._replace(mapper="path")
    machine.with_device("/dev/dm-2", 1, "/dev/mapper/pathp1", "/dev/disk/by-id/dm-name-pathp1")
    machine.devices["/dev/dm-2"] = machine.devices["/dev/dm-2"]._replace(mapper="pathp1")
    both = (filesystem("/dev/mapper/path"), filesystem("/dev/mapper/pathp1"))
    assert not reasons(machine, filesystems=both), "a mapping of such a name need not be a partition"
    machine.tables["/dev/dm-1"] = PartitionTable("gpt", partitions=(partition(1, 2048, 2048),))
    (reason,) = reasons(machine, filesystems=both)
    assert reason.endswith("/dev/mapper/pathp1 is part of /dev/mapper/path, which is used by storage.filesystems[0]")


def test_a_disk_with_partitions_holds_nothing_else() -> None:
    for entry in (filesystem(DISK), filesystem(DISK, format="none")):
        assert reasons(world(), disks=(disk(),), filesystems=(entry,)) == [
            "storage.filesystems[0]: /dev/vda is already used by storage.disks[0]"
        ]


@pytest.mark.parametrize(
    "storage",
    [
        {"disks": (disk(), disk(number=2)), "filesystems": (filesystem("/dev/vda1"), filesystem("/dev/vda2"))},
        {"disks": (Disk(device=DISK, wipe_table=True),), "filesystems": (filesystem(DISK),)},
        {"disks": (disk(should_exist=False),), "filesystems": (filesystem(DISK),)},
        {"filesystems": (filesystem(DISK, format="virtiofs"), filesystem(DISK), filesystem(DISK, format=None))},
        {"filesystems": (filesystem("/dev/not1"), filesystem("/dev/not"))},
    ],
)
def test_what_is_no_conflict(storage: dict[str, object]) -> None:
    assert reasons(world(), **storage) == []


def test_it_is_refused_before_anything_is_made() -> None:
    storage = Storage(
        disks=(Disk(device=DISK, partitions=(Partition(number=1, label="a", size_mib=10), Partition(number=2))),),
        raid=(array("/dev/vda1", "/dev/vda2"),),
        luks=(volume("/dev/vda2").changed(wipe_volume=True),),
        filesystems=(filesystem("/dev/disk/by-partlabel/a", wipe_filesystem=True),),
    )
    with pytest.raises(PlanRefused) as caught:
        run(disks.STAGE.plan, Config(storage=storage), World().with_disk(DISK))
    assert list(caught.value.reasons) == [
        "storage.luks[0]: /dev/vda2 is already used by storage.raid[0].devices[1]",
        "storage.filesystems[0]: /dev/disk/by-partlabel/a is already used by storage.raid[0].devices[0]",
    ]
