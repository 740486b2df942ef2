"""The disks stage on real disks: images (what `provision apply` works on) and loop devices of the running kernel.

The engine verifies every forecast fact after every wave, so a run that succeeds shows that the forecast was right.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from provision.config.format import Config, Disk, Filesystem, Partition, Resource, Storage
from provision.engine.execution import Engine
from provision.engine.preflight import Step, preflight
from provision.failures import PlanRefused
from provision.planning.actions import Action
from provision.planning.boot_state import BootState
from provision.stages import disks
from provision.system.block.devices import Devices
from provision.system.block.image_devices import Image, ImageDevices
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from tests.stages.world import MIB, changes, run

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

MARKER = b"this sector belongs to nobody's partition"
MARKED = 900 * MIB
UUID = "0a1b2c3d-1111-4222-8333-444455556666"


class NoFetcher:
    """Nothing is fetched in these tests."""

    def copy(self, resource: Resource, into: BinaryIO) -> None:
        raise AssertionError(f"{resource} is fetched into {into}")

    def cancel(self) -> None:
        pass


class Machines:
    """Makes a new machine on the same disk for each run, as each process of a boot does."""

    def __init__(self, tmp_path: Path, disk: str, devices: Callable[[], Devices]) -> None:
        self.disk = disk
        self._tmp_path = tmp_path
        self._devices = devices
        self._state = BootState(seed="real")

    def apply(self, config: Config) -> list[Action]:
        """Preflight and carry out the stage. Returns the actions done, without `Keep`."""
        machine = self._machine()
        done: list[Step] = []
        try:
            preflight([disks.STAGE], config, machine, machine)
            Engine(machine, NoFetcher(), done.append).run(disks.STAGE, config)
            self._state = machine.boot_state()
        finally:
            machine.release()
        return changes([tuple(step.action for step in done)])

    def plan(self, config: Config) -> list[Action]:
        """The actions that would be done."""
        machine = self._machine()
        try:
            return changes(run(disks.STAGE.plan, config, machine)[0])
        finally:
            machine.release()

    def _machine(self) -> Machine:
        root = self._tmp_path / "root"
        root.mkdir(exist_ok=True)
        return Machine(str(root), self._devices(), self._state, run_dir=str(self._tmp_path / "run"))


@pytest.fixture(params=["512", "4096"])
def sector(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A disk of 1 GiB with a marker on it."""
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(1024 * MIB)
        file.seek(MARKED)
        file.write(MARKER)
    return path


@pytest.fixture(params=["image", "loop"])
def machines(request: pytest.FixtureRequest, tmp_path: Path, image: Path, sector: int) -> Iterator[Machines]:
    if request.param == "image":
        yield Machines(tmp_path, "/dev/vda", lambda: ImageDevices({"/dev/vda": Image(str(image), sector)}))
        return
    command = ["losetup", "--find", "--show", "--partscan", "--sector-size", str(sector), str(image)]
    device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        yield Machines(tmp_path, device, lambda: KernelDevices(wait_seconds=5))
    finally:
        subprocess.run(["partx", "--delete", device], check=False, capture_output=True)
        subprocess.run(["losetup", "--detach", device], check=True)


@pytest.fixture
def label(tmp_path: Path) -> str:
    """A prefix for labels that no disk of this machine has."""
    return f"test{os.getpid()}{tmp_path.name[-6:]}".replace("_", "")


def sectors(image: Path, sector: int) -> dict[str, Any]:
    """The table as sfdisk sees it."""
    command = ["losetup", "--find", "--show", "--read-only", "--sector-size", str(sector), str(image)]
    device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        output = subprocess.run(["sfdisk", "--json", device], check=True, capture_output=True).stdout
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
    found: dict[str, Any] = json.loads(output)["partitiontable"]
    return found


def digest(image: Path) -> str:
    with image.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def everything(disk: str, label: str) -> Config:
    """Every format on one disk; the last partition is small and leaves the marker alone."""
    formats = ("ext4", "xfs", "btrfs", "vfat", "swap")
    partitions = tuple(
        Partition(
            number=index, label=f"{label} {name}", size_mib=20 if name == "swap" else 170 if name != "xfs" else 310
        )
        for index, name in enumerate(formats, start=1)
    )
    filesystems = tuple(
        Filesystem(device=f"/dev/disk/by-partlabel/{label}\\x20{name}", format=name, label=f"my {name}")
        for name in formats
    )
    return Config(storage=Storage(disks=(Disk(device=disk, partitions=partitions),), filesystems=filesystems))


def test_everything_and_once_more(machines: Machines, image: Path, label: str) -> None:
    conf = everything(machines.disk, label)
    planned = [action.title for action in machines.plan(conf)]
    assert [action.title for action in machines.apply(conf)] == planned
    assert len(planned) == 6
    assert machines.apply(conf) == []
    with image.open("rb") as file:
        file.seek(MARKED)
        assert file.read(len(MARKER)) == MARKER


def test_options_may_say_what_the_config_does_not(machines: Machines) -> None:
    device = machines.disk + ("p1" if machines.disk[-1].isdigit() else "1")
    part = Partition(number=1, size_mib=200)
    options = ("-L", "by-option", "-U", UUID, "-m", "0")
    filesystem = Filesystem(device=device, format="ext4", options=options)
    conf = Config(storage=Storage(disks=(Disk(device=machines.disk, partitions=(part,)),), filesystems=(filesystem,)))
    machines.apply(conf)
    named = filesystem.changed(options=(), label="by-option", uuid=UUID.upper())
    assert machines.plan(conf.changed(storage=conf.storage.changed(filesystems=(named,)))) == []


def test_a_file_system_in_the_way(machines: Machines, image: Path, label: str) -> None:
    device = machines.disk + ("p1" if machines.disk[-1].isdigit() else "1")
    part = (Disk(device=machines.disk, partitions=(Partition(number=1, label=label, size_mib=400),)),)

    def wanted(**changed: object) -> Config:
        filesystem = Filesystem(device=device, format="ext4").changed(**changed)
        return Config(storage=Storage(disks=part, filesystems=(filesystem,)))

    machines.apply(wanted())
    before = digest(image)
    with pytest.raises(PlanRefused, match=r'not of the correct type, label, or UUID \(found ext4, ""'):
        machines.apply(wanted(format="xfs"))
    assert digest(image) == before
    wipe, make = machines.apply(wanted(format="xfs", wipe_filesystem=True))
    assert (wipe.destroys, make.title) == ("ext4 (400 MiB)", f"make xfs on {device}")
    assert machines.apply(wanted(format="xfs")) == []


def test_a_disk_with_partitions_becomes_one_file_system(machines: Machines, label: str) -> None:
    part = Partition(number=1, label=label, size_mib=10)
    machines.apply(Config(storage=Storage(disks=(Disk(device=machines.disk, partitions=(part,)),))))
    conf = Config(storage=Storage(filesystems=(Filesystem(device=machines.disk, format="ext4"),)))
    wipe, _ = machines.apply(conf)
    assert wipe.destroys == f"a gpt table, partition 1 '{label}' (10 MiB)"
    assert machines.apply(conf) == []


def test_tables_change_as_planned(machines: Machines, image: Path, sector: int) -> None:
    def wanted(*partitions: Partition, wipe: bool = False) -> Config:
        return Config(storage=Storage(disks=(Disk(device=machines.disk, partitions=partitions, wipe_table=wipe),)))

    def found() -> list[tuple[int, int, str]]:
        table = sectors(image, sector)
        mib = MIB // sector
        return [(one["start"] // mib, one["size"] // mib, one.get("name", "")) for one in table["partitions"]]

    first, second = Partition(number=1, label="a", size_mib=10), Partition(label="b", size_mib=20, start_mib=100)
    machines.apply(wanted(first, second))
    assert found() == [(1, 10, "a"), (100, 20, "b")]
    machines.apply(wanted(first.changed(size_mib=30, resize=True), second))
    assert found() == [(1, 30, "a"), (100, 20, "b")]
    machines.apply(wanted(Partition(number=1, should_exist=False, wipe_partition_entry=True)))
    assert found() == [(100, 20, "b")]
    machines.apply(wanted(Partition(number=9, label="c d", size_mib=5), wipe=True))
    assert found() == [(1, 5, "c d")]
    machines.apply(wanted(wipe=True))
    with image.open("rb") as file:
        assert not any(file.read(34 * sector))


def test_a_size_that_the_program_refuses_is_known_before_anything_is_written(
    machines: Machines, image: Path, label: str
) -> None:
    before = digest(image)
    disk = Disk(device=machines.disk, partitions=(Partition(number=1, label=label, size_mib=199),))
    entry = Filesystem(device=f"/dev/disk/by-partlabel/{label}", format="xfs")
    with pytest.raises(PlanRefused, match=r"mkfs\.xfs refuses .* \(199 MiB\): .*larger than 300MB"):
        machines.apply(Config(storage=Storage(disks=(disk,), filesystems=(entry,))))
    assert digest(image) == before


def test_a_grown_disk_is_used_to_its_new_end(tmp_path: Path, image: Path, sector: int, label: str) -> None:
    """The kernel's view is checked through a loop device; sfdisk reports a copy of the table that is not at the end."""

    def config(*, resize: bool) -> Config:
        entry = Partition(number=1, label=label, size_mib=0, resize=resize or None)
        return Config(storage=Storage(disks=(Disk(device="/dev/vda", partitions=(entry,)),)))

    def machines() -> Machines:
        return Machines(tmp_path, "/dev/vda", lambda: ImageDevices({"/dev/vda": Image(str(image), sector)}))

    machines().apply(config(resize=False))
    old = sectors(image, sector)["partitions"][0]
    os.truncate(image, 1536 * MIB)
    assert machines().apply(config(resize=False)) == []
    machines().apply(config(resize=True))
    (found,) = (table := sectors(image, sector))["partitions"]
    assert table["lastlba"] == 1536 * MIB // sector - 2 - -(-128 * 128 // sector)
    assert (found["start"], found["uuid"]) == (old["start"], old["uuid"])
    assert found["start"] + found["size"] - 1 == table["lastlba"]
    checked = subprocess.run(["sgdisk", "--verify", str(image)], check=False, capture_output=True, text=True)
    assert sector != 512 or "No problems found" in checked.stdout
