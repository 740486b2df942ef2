"""Identifiers of an image that each machine replaces by its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from provision.boot.root.restamp import identifiers, restamp
from provision.failures import Failure, PlanRefused
from provision.planning.actions import RunProgram, WritePartitionTable
from provision.planning.boot_state import BootState
from provision.planning.machine_view import Signature
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from tests.real.disks.loop_devices import MIB, blank, loop
from tests.stages.world import World, guid, partition

TABLE = guid(99).lower()
ROOT = "5ca1ab1e-0000-4000-8000-000000000001"
KNOWN = frozenset({TABLE, ROOT})


def world(*lacking: str) -> World:
    parts = partition(1, 2048, 4096, "boot"), partition(2, 8192, 65536, "root")
    signatures = {1: Signature("vfat", "boot", "ABCD-1234"), 2: Signature("ext4", "root", ROOT.upper())}
    found = World(lacking=lacking).with_disk("/dev/vda", *parts, size=64 * MIB, signatures=signatures)
    return found.with_disk("/dev/vdb", size=64 * MIB)


NODES = ("/dev/vda", "/dev/vda1", "/dev/vda2", "/dev/vdb")


def test_what_the_kernel_command_line_lists() -> None:
    assert identifiers("quiet", "/dev/vda") == frozenset()
    line = f"provision.restamp={TABLE},{ROOT.upper()}"
    assert identifiers(line, "/dev/disk/by-label/root") == KNOWN
    with pytest.raises(Failure, match="yes is not a UUID"):
        identifiers("provision.restamp=yes", "/dev/vda")
    with pytest.raises(Failure, match="lists the UUID that root= names"):
        identifiers(line, f"/dev/disk/by-uuid/{ROOT}")


def test_only_what_is_listed_is_replaced() -> None:
    table, check, stamp = restamp(KNOWN, NODES, world())
    assert isinstance(table, WritePartitionTable)
    assert table.table.guid not in {TABLE.upper(), ""}
    assert table.table.partitions == world().table("/dev/vda").partitions
    assert isinstance(check, RunProgram)
    assert isinstance(stamp, RunProgram)
    assert (check.argv[0], stamp.argv[:2]) == ("e2fsck", ("tune2fs", "-U"))
    assert stamp.argv[2] not in KNOWN
    assert list(restamp(frozenset({guid(1).lower()}), NODES, world())) == []
    assert list(restamp(frozenset(), NODES, world())) == []


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(PlanRefused, match="tune2fs is needed for a new UUID of the ext4 on /dev/vda2"):
        list(restamp(KNOWN, NODES, world("tune2fs")))
    used = world()
    used.devices["/dev/vda2"] = used.devices["/dev/vda2"]._replace(in_use="mounted")
    with pytest.raises(Failure, match="/dev/vda2 cannot get a UUID of its own: mounted"):
        list(restamp(KNOWN, NODES, used))


@pytest.mark.disks
@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_real_file_systems(kind: str, tmp_path: Path) -> None:
    own = str(uuid4())  # mkfs.btrfs refuses one that another worker's file system has
    with loop(blank(tmp_path / "disk", 400 * MIB)) as node:
        flag = ["-m", f"uuid={own}"] if kind == "xfs" else ["-U", own]
        subprocess.run([f"mkfs.{kind}", "-q", *flag, "-L", "root", node], check=True)
        machine = Machine("/", KernelDevices(), BootState(seed="test"))
        try:
            for action in restamp(frozenset({own}), [node], machine):
                machine.apply(action)
            found = machine.signature(node)
            assert (found.type, found.label, found.uuid == own) == (kind, "root", False)
            assert list(restamp(frozenset({own}), [node], machine)) == []
        finally:
            machine.release()


@pytest.mark.disks
def test_a_real_table(tmp_path: Path) -> None:
    image = blank(tmp_path / "disk", 64 * MIB)
    layout = f"label: gpt\nlabel-id: {TABLE}\nsize=8MiB, name=one\n"
    subprocess.run(["sfdisk", "-q", image], input=layout.encode(), check=True)
    image.open("ab").truncate(96 * MIB)
    with loop(image) as node:
        machine = Machine("/", KernelDevices(), BootState(seed="test"))
        try:
            for action in restamp(KNOWN, [node], machine):
                machine.apply(action)
            table = machine.table(node)
            assert (table.kind, table.guid.lower() == TABLE, len(table.partitions)) == ("gpt", False, 1)
            assert table.last > 90 * MIB // 512, "the copy is at the end of the larger disk"
        finally:
            machine.release()
    subprocess.run(["sgdisk", "--verify", image], check=True, capture_output=True)
