"""Partitions that grow into the free space behind them."""

from __future__ import annotations

import pytest

from provision.planning.actions import Action, Keep, RunProgram, WritePartitionTable
from provision.planning.machine_view import Signature
from provision.stages.disks.partitions.growth import RESIZE_TYPE, grow_filesystem, grow_partitions, growing
from tests.stages.world import MIB, World, partition

UNIT = MIB // 512


def grown(world: World, *numbers: int) -> dict[int, int]:
    """The sizes in MiB after the one action of the plan, by number; empty if there is none."""
    found: list[Action] = list(grow_partitions("/dev/vda", numbers, world))
    if not found:
        return {}
    (action,) = found
    assert isinstance(action, WritePartitionTable)
    return {one.number: one.size // UNIT for one in action.table.partitions}


def test_a_partition_grows_to_the_end_of_the_disk_or_to_the_next_one() -> None:
    world = World().with_disk("/dev/vda", partition(9, 40 * UNIT, UNIT), partition(1, UNIT, 3 * UNIT), size=64 * MIB)
    assert grown(world, 9) == {9: 23, 1: 3}
    assert grown(world, 1) == {9: 1, 1: 39}
    assert grown(world, 1, 9) == {9: 23, 1: 39}
    assert grown(world) == {}


def test_the_table_of_a_disk_that_has_grown_reaches_to_its_end() -> None:
    world = World().with_disk("/dev/vda", partition(1, UNIT, UNIT), size=64 * MIB)
    world.devices["/dev/vda"] = world.devices["/dev/vda"]._replace(size=128 * MIB)
    assert grown(world, 1) == {1: 126}


def test_less_than_a_mebibyte_is_not_worth_a_change() -> None:
    assert grown(World().with_disk("/dev/vda", partition(1, UNIT, 62 * UNIT), size=64 * MIB), 1) == {}
    assert grown(World().with_disk("/dev/vda", partition(1, UNIT, 62 * UNIT + 7), size=64 * MIB), 1) == {}


def test_attributes_and_names_stay() -> None:
    one = partition(3, UNIT, UNIT, "USR-A", RESIZE_TYPE)._replace(attributes=1 << 56 | 1 << 48)
    world = World().with_disk("/dev/vda", one, size=64 * MIB)
    assert growing(world.table("/dev/vda")) == [3]
    (action,) = grow_partitions("/dev/vda", [3], world)
    assert isinstance(action, WritePartitionTable)
    assert action.table.partitions == (one._replace(size=62 * UNIT),)
    assert action.title == "grow partition 3 from 1 MiB to 62 MiB on /dev/vda"


def test_a_disk_without_a_gpt_stays_as_it_is() -> None:
    assert grown(World().with_disk("/dev/vda"), 1) == {}


@pytest.mark.parametrize(
    ("kind", "argv"),
    [
        ("ext4", ("resize2fs", ("/dev/vda1",))),
        ("xfs", ("xfs_growfs", "/mnt")),
        ("btrfs", ("btrfs", "filesystem", "resize", "max", "/mnt")),
    ],
)
def test_a_mounted_file_system_grows_by_its_own_tool(kind: str, argv: tuple[object, ...]) -> None:
    signatures = {1: Signature(kind)}
    world = World().with_disk("/dev/vda", partition(1, UNIT, UNIT), signatures=signatures)
    (action,) = grow_filesystem("/dev/vda", 1, "/mnt", world)
    assert isinstance(action, RunProgram)
    assert action.argv == argv


@pytest.mark.parametrize(
    ("kind", "mounted_at", "reason"),
    [
        ("ext4", "", "it is not mounted"),
        ("crypto_LUKS", "/mnt", "crypto_LUKS does not grow while it is mounted"),
        ("", "/mnt", "it has no known file system"),
    ],
)
def test_other_contents_are_kept_with_a_reason(kind: str, mounted_at: str, reason: str) -> None:
    world = World().with_disk("/dev/vda", partition(1, UNIT, UNIT), signatures={1: Signature(kind)})
    (action,) = grow_filesystem("/dev/vda", 1, mounted_at, world)
    assert isinstance(action, Keep)
    assert reason in action.title
