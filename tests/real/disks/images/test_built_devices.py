"""Encrypted volumes and arrays on images: found through the kernel, and closed at the end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.engine.verification import agrees
from provision.failures import ActionFailed
from provision.planning.actions import Mount, RunProgram, WritePartitionTable
from provision.planning.arguments import Blob, Content, DeviceName, KeyFile
from provision.planning.boot_state import BootState
from provision.planning.facts import DeviceFact, SignatureFact
from provision.planning.file_actions import MakeDirectory, MakeSymlink, RemovePath, WriteFile
from provision.planning.machine_view import LuksHeader, MountedFilesystem, Signature
from provision.system.block.image_devices import Image, ImageDevices
from provision.system.machine import Machine
from tests.real.disks.loop_devices import MIB, blank, left_attached, loop, mounted, table

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices"),
    pytest.mark.skipif(not Path("/sys/module/dm_crypt").exists(), reason="the kernel has no dm-crypt"),
]

SIZE = 256 * MIB
KEY = KeyFile(Content(b"secret"))
FAST = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    (tmp_path / "root").mkdir()
    images = {f"/dev/vd{name}": Image(str(blank(tmp_path / f"{name}.img", SIZE))) for name in "ab"}
    machine = Machine(str(tmp_path / "root"), ImageDevices(images), BootState(), str(tmp_path / "run"))
    yield machine
    machine.release()
    assert left_attached(tmp_path) == []
    assert mounted(tmp_path) == []
    assert not os.path.exists("/dev/mapper/seam-crypt")


def test_an_encrypted_volume(machine: Machine) -> None:
    machine.apply(WritePartitionTable("/dev/vda", table(SIZE, 512, (1, 1, 200, "crypt"))))
    device = DeviceName("/dev/disk/by-partlabel/crypt")
    formatted = ("cryptsetup", "luksFormat", "-q", "--type", "luks2", *FAST, "--key-file", KEY, device)
    machine.apply(
        RunProgram("encrypt", formatted, frozenset(), (SignatureFact("/dev/vda1", Signature("crypto_LUKS")),))
    )
    assert machine.signature("/dev/vda1").type == "crypto_LUKS"
    assert machine.luks_header("/dev/vda1") == LuksHeader(2)
    opened = machine.device
    facts = (DeviceFact("/dev/mapper/seam-crypt", opened("/dev/vda1")),)
    argv = ("cryptsetup", "luksOpen", device, "seam-crypt", "--key-file", KEY, "--allow-discards", "--persistent")
    machine.apply(RunProgram("open", argv, frozenset(), facts))
    assert machine.luks_header("/dev/vda1") == LuksHeader(2, ("allow-discards",), (), "seam-crypt")
    mapping = machine.device("/dev/disk/by-id/dm-name-seam-crypt")
    assert mapping is not None
    assert mapping.mapper == "seam-crypt"
    assert machine.device(mapping.name) == mapping
    disk = machine.device("/dev/vda")
    assert disk is not None
    assert disk.in_use == "/dev/vda1 is held by seam-crypt"
    made = RunProgram("make ext4", ("mkfs.ext4", "-q", "-L", "SEAM", DeviceName("/dev/mapper/seam-crypt")), frozenset())
    machine.apply(made)
    machine.apply(Mount("/", "/dev/disk/by-label/SEAM", "ext4"))
    assert machine.mount("/") == MountedFilesystem("/", mapping.name, "ext4")
    machine.apply(WriteFile("/file", (Content(b"x"),)))


def test_a_mapping_of_this_machine_is_not_there(machine: Machine, tmp_path: Path) -> None:
    with loop(blank(tmp_path / "host.img", SIZE)) as node:
        subprocess.run(["dmsetup", "create", "seam-host", "--table", f"0 1024 linear {node} 0"], check=True)
        try:
            assert machine.device("/dev/mapper/seam-host") is None
            assert machine.device(os.path.realpath("/dev/mapper/seam-host")) is None
        finally:
            subprocess.run(["dmsetup", "remove", "--retry", "seam-host"], check=True)


@pytest.mark.skipif(not Path("/proc/mdstat").exists(), reason="the kernel has no md")
def test_an_array(machine: Machine) -> None:
    members = (DeviceName("/dev/vda"), DeviceName("/dev/vdb"))
    argv = (
        "mdadm",
        "--create",
        "/dev/md/seam",
        "--force",
        "--run",
        "--level",
        "raid1",
        "--raid-devices",
        "2",
        *members,
    )
    there = DeviceFact("/dev/md/seam", machine.device("/dev/vda"))
    machine.apply(RunProgram("make an array", argv, frozenset(), (there,)))
    assert machine.signature("/dev/vda").type == "linux_raid_member"
    array = machine.device("/dev/md/seam")
    assert array is not None
    assert array.name.startswith("/dev/md")
    machine.apply(RunProgram("make ext4", ("mkfs.ext4", "-q", DeviceName("/dev/md/seam")), frozenset()))
    machine.apply(Mount("/", "/dev/md/seam", "ext4"))
    assert machine.mount("/") == MountedFilesystem("/", array.name, "ext4")


@pytest.mark.skipif(not Path("/sys/module/vfat").exists(), reason="the kernel has no vfat")
def test_a_file_system_without_links_and_modes(machine: Machine) -> None:
    machine.apply(RunProgram("make vfat", ("mkfs.vfat", DeviceName("/dev/vda")), frozenset()))
    machine.apply(Mount("/", "/dev/vda", "vfat"))
    with machine.new_blob(Blob("b"), "/blob") as blob_store:
        blob_store.write(b"blob")
    machine.apply_nodes(
        [WriteFile("/blob", (Blob("b"),), 0o600), WriteFile("/a", (Content(b"a"),)), MakeDirectory("/d", 0o700)]
    )
    machine.apply(WriteFile("/a", (Content(b"b"),), keep=True))
    assert (machine.content("/blob"), machine.content("/a")) == (b"blob", b"ab")
    assert machine.children("/") == ["a", "blob", "d"]
    for action in (WriteFile("/a", (Content(b"ab"),)), MakeDirectory("/d", 0o700)):
        fact = action.effect()[-1]
        assert agrees(fact.value, machine.file_status(fact.name))
    with pytest.raises(ActionFailed, match="link /l"):
        machine.apply(MakeSymlink("/l", "a"))
    machine.apply(RemovePath("/d"))
