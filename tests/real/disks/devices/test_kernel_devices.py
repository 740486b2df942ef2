"""Devices of the running kernel: loop devices with partitions, with or without udevd."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provision.failures import ActionFailed
from provision.planning.actions import Mount, RunProgram, Unmount, WaitForDevices, WritePartitionTable
from provision.planning.arguments import DeviceName
from provision.planning.boot_state import BootState
from provision.planning.facts import SignatureFact
from provision.planning.machine_view import Device, MountedFilesystem, PartitionTable, Signature
from provision.system.block import sysfs
from provision.system.block.kernel_devices import KernelDevices
from provision.system.block.partitions import kernel as partitions
from provision.system.machine import Machine
from tests.real.disks.loop_devices import MIB, blank, loop, table

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

SIZE = 256 * MIB


@pytest.fixture(params=[512, 4096])
def sector(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def disk(tmp_path: Path, sector: int) -> Iterator[str]:
    with loop(blank(tmp_path / "disk.img", SIZE), sector) as node:
        yield node


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    (tmp_path / "root").mkdir()
    machine = Machine(str(tmp_path / "root"), KernelDevices(wait_seconds=2), BootState(), str(tmp_path / "run"))
    yield machine
    if machine.mount("/") is not None:
        machine.apply(Unmount("/"))
    machine.release()


def known(disk: str) -> set[str]:
    return {name for name in os.listdir("/sys/class/block") if name.startswith(disk.removeprefix("/dev/") + "p")}


def test_the_kernel_follows(machine: Machine, disk: str, sector: int) -> None:
    name = disk.removeprefix("/dev/")
    for parts in (
        ((1, 1, 50, "one"), (9, 60, 100, "nine")),
        ((1, 1, 50, "one"), (2, 160, 50, "two"), (9, 60, 20, "nine")),
        ((1, 10, 20, "moved"), (9, 60, 90, "nine")),
        ((1, 60, 90, "swapped"), (9, 10, 20, "swapped")),
        (),
    ):
        wanted = table(SIZE, sector, *parts)
        machine.apply(WritePartitionTable(disk, wanted))
        assert machine.table(disk) == wanted
        assert known(disk) == {f"{name}p{number}" for number, *_ in parts}
        for number, _, size, _ in parts:
            assert machine.device(f"{disk}p{number}") == Device(f"{disk}p{number}", size * MIB, sector)


def test_a_partition_that_disappears_meanwhile_is_not_there(disk: str, sector: int) -> None:
    whole = sysfs.find(disk)
    assert whole is not None
    there, gone = table(SIZE, sector, (1, 1, 50, "one")), table(SIZE, sector)
    partitions.follow(whole, there)
    number = sysfs.read(sysfs.partitions(whole)[1].path, "dev")
    with ThreadPoolExecutor(1) as other:
        changes = other.submit(lambda: [partitions.follow(whole, now) for _ in range(200) for now in (gone, there)])
        found = [sysfs.numbered(number)]
        while not changes.done():
            found.append(sysfs.numbered(number))
    changes.result()
    partitions.follow(whole, gone)
    assert f"{disk}p1" in {block.node for block in found if block}  # other tests may get the number in between


def test_a_disk_that_nobody_may_write_to(disk: str, machine: Machine, sector: int) -> None:
    machine.apply(WritePartitionTable(disk, table(SIZE, sector, (1, 1, 50, "one"))))
    subprocess.run(["blockdev", "--setro", disk], check=True)
    try:
        found = machine.device(disk), machine.device(f"{disk}p1")
    finally:
        subprocess.run(
            ["blockdev", "--setrw", disk], check=True
        )  # otherwise the next user of the loop device would find it like this
    assert [device is not None and device.read_only for device in found] == [True, True]


def test_a_partition_in_use_stays_while_others_change(disk: str, machine: Machine, sector: int) -> None:
    label = f"s{os.getpid()}"  # another worker runs this test beside this one
    machine.apply(
        WritePartitionTable(disk, table(SIZE, sector, (1, 1, 50, f"{label}-one"), (2, 60, 100, f"{label}-two")))
    )
    machine.apply(
        RunProgram(
            "make ext4",
            ("mkfs.ext4", "-q", "-L", label, DeviceName(f"/dev/disk/by-partlabel/{label}-two")),
            frozenset(),
            (SignatureFact(f"{disk}p2", Signature("ext4")),),
        )
    )
    machine.apply(Mount("/", f"/dev/disk/by-label/{label}", "ext4"))
    assert machine.mount("/") == MountedFilesystem("/", f"{disk}p2", "ext4")
    for name in (disk, f"{disk}p2"):
        used = machine.device(name)
        assert used is not None
        assert f"{disk}p2 is mounted at" in used.in_use
    free = machine.device(f"{disk}p1")
    assert free is not None
    assert free.in_use == ""
    machine.apply(
        WritePartitionTable(disk, table(SIZE, sector, (2, 60, 100, f"{label}-two"), (3, 1, 20, f"{label}-three")))
    )
    assert known(disk) == {Path(disk).name + "p2", Path(disk).name + "p3"}
    with pytest.raises(ActionFailed, match="busy"):
        machine.apply(WritePartitionTable(disk, table(SIZE, sector)))


def test_a_wiped_disk_is_blank(machine: Machine, disk: str, sector: int) -> None:
    machine.apply(WritePartitionTable(disk, table(SIZE, sector, (1, 1, 50, "one"))))
    machine.apply(WritePartitionTable(disk, PartitionTable("", sector=sector), erase=True))
    assert machine.table(disk) == PartitionTable("", sector=sector)
    assert machine.signature(disk) == Signature()
    assert known(disk) == set()


def test_waiting_has_a_limit_and_says_for_what(machine: Machine, disk: str) -> None:
    machine.apply(WaitForDevices((disk,)))
    began = time.monotonic()
    with pytest.raises(ActionFailed, match=r"not there after 2 s: /dev/disk/by-label/nothing"):
        machine.apply(WaitForDevices((disk, "/dev/disk/by-label/nothing")))
    assert time.monotonic() - began < 30


@pytest.mark.skipif(not Path("/sys/module/dm_mod").exists(), reason="the kernel has no device mapper")
@pytest.mark.parametrize(("sector", "uuid"), [(512, ["--uuid", "mpath-seam"]), (4096, [])])
def test_a_device_mapper_disk_has_mappings_for_partitions(
    machine: Machine, disk: str, sector: int, uuid: list[str]
) -> None:
    line = f"0 {SIZE // 512} linear {disk} 0"
    subprocess.run(["dmsetup", "create", "seam-disk", *uuid, "--table", line], check=True)
    try:
        whole = machine.device("/dev/mapper/seam-disk")
        assert whole is not None
        assert (whole.mapper, whole.size, whole.in_use) == ("seam-disk", SIZE, "")
        for parts in (((1, 1, 50, "a"), (2, 60, 100, "b")), ((2, 60, 80, "b"), (3, 1, 9, "c")), ()):
            machine.apply(WritePartitionTable(whole.name, table(SIZE, sector, *parts)))
            for number, _, size, _ in parts:
                found = machine.device(f"/dev/disk/by-id/dm-name-seam-diskp{number}")
                assert found is not None
                assert (found.size, found.in_use) == (size * MIB, "")
                assert found.mapper in {f"seam-diskp{number}", f"seam-disk-part{number}"}
            assert machine.device("/dev/mapper/seam-disk") == whole
        assert machine.device("/dev/disk/by-id/dm-name-seam-diskp2") is None
        held = machine.device(disk)
        assert held is not None
        assert held.in_use == f"{disk} is held by seam-disk"
    finally:
        _remove_mapping("seam-disk")


def _remove_mapping(name: str) -> None:
    """Remove a mapping and what udev has made on it. A worker of udev may read it still, for long on a slow machine."""
    subprocess.run(["udevadm", "settle", "--timeout=60"], check=False)
    ends_at = time.monotonic() + 60
    while True:
        node = Path(os.path.realpath(f"/dev/mapper/{name}")).name
        holders = [(one / "dm/name").read_text().strip() for one in Path(f"/sys/class/block/{node}/holders").glob("*")]
        removed = subprocess.run(["dmsetup", "remove", "--retry", *holders, name], check=False, capture_output=True)
        if removed.returncode == 0:
            return
        assert time.monotonic() < ends_at, removed.stderr.decode()
