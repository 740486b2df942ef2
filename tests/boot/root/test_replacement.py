"""What a plan makes of the root file system: it stays, is replaced, or is lost."""

from __future__ import annotations

import pytest

from provision.boot.root.replacement import Replacement, is_partition, replacement
from provision.config.format import Config, Disk, Filesystem, Partition, Raid, Storage
from provision.engine.preflight import simulate
from provision.planning.machine_view import Signature
from provision.stages import load_stage
from tests.stages.world import MIB, World, partition

LABEL = "/dev/disk/by-label/root"
ROOT = Signature("ext4", "root", "5ca1ab1e-0000-4000-8000-000000000001")
SECTORS = MIB // 512


def world() -> World:
    """A disk with a boot partition and the root, and a blank disk."""
    parts = partition(1, 1 * SECTORS, 32 * SECTORS, "boot"), partition(2, 33 * SECTORS, 400 * SECTORS, "system")
    found = World().with_disk("/dev/vda", *parts, size=512 * MIB, signatures={2: ROOT})
    found.links[LABEL] = "/dev/vda2"
    return found.with_disk("/dev/vdb", size=512 * MIB)


def replaced(storage: Storage, name: str = LABEL, machine: World | None = None) -> Replacement | None:
    machine = machine or world()
    steps = simulate([load_stage("disks")], Config(storage=storage), machine, lambda _: None)
    return replacement(steps, name, machine)


def made(device: str, label: str = "root") -> Filesystem:
    return Filesystem(device=device, wipe_filesystem=True, format="xfs", label=label)


def disk(device: str, *partitions: Partition, wipe: bool = False) -> Disk:
    return Disk(device=device, wipe_table=wipe, partitions=partitions)


def test_another_file_system_in_the_same_place() -> None:
    found = replaced(Storage(filesystems=(made("/dev/vda2"),)))
    assert found is not None
    assert (found.old.name, found.found, found.lost) == ("/dev/vda2", ROOT, True)
    assert found.new is not None
    assert found.new.name == "/dev/vda2"
    assert found.made is not None
    assert found.made.type == "xfs"


@pytest.mark.parametrize("name", ["/dev/vda2", "/dev/disk/by-partlabel/system"])
def test_a_name_that_does_not_depend_on_the_content(name: str) -> None:
    found = replaced(Storage(filesystems=(made("/dev/vda2", label="new"),)), name)
    assert found is not None
    assert found.new is not None


def test_another_label_is_no_successor() -> None:
    found = replaced(Storage(filesystems=(made("/dev/vda2", label="new"),)))
    assert found is not None
    assert (found.lost, found.new) == (True, None)


def test_an_array_of_two_new_partitions() -> None:
    parts = [disk(f"/dev/vd{one}", Partition(label=f"root-{one}", number=1), wipe=True) for one in "ab"]
    members = ("/dev/disk/by-partlabel/root-a", "/dev/disk/by-partlabel/root-b")
    array = Raid(name="root", level="raid1", devices=members)
    found = replaced(Storage(disks=tuple(parts), raid=(array,), filesystems=(made("/dev/md/root"),)))
    assert found is not None
    assert found.new is not None
    assert (found.lost, found.new.name) == (True, "/dev/md/root")
    assert 400 * MIB < found.new.size < 512 * MIB


def test_what_leaves_the_root_alone() -> None:
    data = Filesystem(device="/dev/vdb", format="ext4", label="data")
    assert replaced(Storage(filesystems=(data,))) is None
    added = disk("/dev/vda", Partition(number=3, label="more"))
    assert replaced(Storage(disks=(added,))) is None
    resized = disk("/dev/vda", Partition(number=2, label="system", size_mib=420, resize=True))
    assert replaced(Storage(disks=(resized,))) is None
    kept = Filesystem(device="/dev/vda2", format="ext4", label="root")
    assert replaced(Storage(filesystems=(kept,))) is None


def test_a_partition_that_is_removed_or_moved_is_lost() -> None:
    removed = disk("/dev/vda", Partition(number=2, should_exist=False, wipe_partition_entry=True))
    found = replaced(Storage(disks=(removed,)))
    assert found is not None
    assert found.lost
    moved = disk("/dev/vda", Partition(number=2, label="system", start_mib=100, wipe_partition_entry=True))
    found = replaced(Storage(disks=(moved,)))
    assert found is not None
    assert found.lost


def test_a_second_file_system_of_that_name() -> None:
    found = replaced(Storage(filesystems=(made("/dev/vdb"),)))
    assert found is not None
    assert found.new is not None
    assert (found.lost, found.new.name) == (False, "/dev/vdb")


def test_without_a_root_device_nothing_is_replaced() -> None:
    machine = world()
    del machine.links[LABEL]
    assert replaced(Storage(filesystems=(made("/dev/vda2"),)), machine=machine) is None


@pytest.mark.parametrize(
    ("name", "of", "expected"),
    [
        ("/dev/vda2", "/dev/vda", True),
        ("/dev/vda2", "/dev/vda2", False),
        ("/dev/nvme0n1p2", "/dev/nvme0n1", True),
        ("/dev/vdab", "/dev/vda", False),
        ("/dev/md127", "/dev/md1", False),
        ("/dev/md1p2", "/dev/md1", True),
    ],
)
def test_partitions_of_a_disk(name: str, of: str, *, expected: bool) -> None:
    assert is_partition(name, of) is expected
