"""Options of a config in a trial of mkfs: nothing but the file of the trial is reached."""

from __future__ import annotations

import shutil

import pytest

from provision.planning.boot_state import BootState
from provision.stages.disks.filesystems import MAKERS
from provision.stages.disks.mkfs_options import BARE, LARGE, SMALL, TRIED_BELOW, VALUED, Trial, are_plain, refusal
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from tests.stages.world import World

MIB = 1 << 20


@pytest.mark.parametrize(
    ("program", "options"),
    [
        ("mkfs.xfs", "-b size=1024 -d agcount=4 -m crc=1,reflink=1"),
        ("mkfs.xfs", "-bsize=1024 -K"),
        ("mkfs.ext4", "-b 4096 -m 0 -O ^has_journal,metadata_csum -E lazy_itable_init=0 -Fq -T largefile"),
        ("mkfs.btrfs", "-M -d single -O no-holes"),
        ("mkfs.fat", "-F32 -s 1"),
        ("mkswap", ""),
    ],
)
def test_options_that_can_be_tried(program: str, options: str) -> None:
    assert are_plain(program, options.split())


@pytest.mark.parametrize(
    ("program", "options"),
    [
        ("mkfs.xfs", "-l logdev=sdb"),
        ("mkfs.xfs", "-l size=64m,logdev=/dev/sdb"),
        ("mkfs.xfs", "-d file,name=x"),
        ("mkfs.xfs", "-p proto"),
        ("mkfs.xfs", "-r rtdev=x"),
        ("mkfs.ext4", "-J device=LABEL=j"),
        ("mkfs.ext4", "-d tree"),
        ("mkfs.ext4", "-ql list"),
        ("mkfs.ext4", "-z undo"),
        ("mkfs.btrfs", "--rootdir=/"),
        ("mkfs.btrfs", "-r tree"),
        ("mkfs.btrfs", "-f other"),
        ("mkfs.fat", "-C"),
        ("mkfs.fat", "-m message"),
        ("mkswap", "--file"),
        ("mkfs.ext4", "-"),
    ],
)
def test_options_that_cannot_be_tried(program: str, options: str) -> None:
    assert not are_plain(program, options.split())


def test_every_program_has_its_options() -> None:
    programs = {maker.program for maker in MAKERS.values()}
    assert set(VALUED) == set(BARE) == programs


@pytest.mark.parametrize(
    ("options", "writes", "others"),
    [
        ("", False, [TRIED_BELOW]),
        ("-F 12", False, [TRIED_BELOW, SMALL, LARGE]),
        ("-F 12", True, [TRIED_BELOW, SMALL]),
    ],
)
def test_a_program_that_writes_is_tried_with_small_sizes_only(options: str, others: list[int], *, writes: bool) -> None:
    world = World()
    world.mkfs_refusals["mkfs.fat"] = "no"
    world.refuses_all_sizes = True
    assert refusal(Trial("mkfs.fat", options.split(), (), writes), MIB, world) == ""
    assert [size for _, size in world.tried] == [MIB, *others]


@pytest.mark.parametrize(
    ("options", "writes", "tried"),
    [("", False, False), ("", True, False), ("-F 12", True, False), ("-F 12", False, True)],
)
def test_large_devices_are_tried_only_with_options_of_a_program_that_can_write_nothing(
    options: str, *, writes: bool, tried: bool
) -> None:
    world = World()
    refusal(Trial("mkfs.fat", options.split(), (), writes), TRIED_BELOW, world)
    assert bool(world.tried) is tried


@pytest.mark.parametrize(
    ("program", "options", "size", "refused"),
    [
        ("mkfs.xfs", "-d agcount=64", 600 * MIB, True),
        ("mkfs.xfs", "-d agcount=2", 600 * MIB, False),
        ("mkfs.ext4", "-b 65536", 4 * MIB, False),
        ("mkfs.ext4", "-E resize=1", 4 * MIB, False),
        ("mkfs.btrfs", "-n 65536", 100 * MIB, True),
        ("mkfs.btrfs", "-M", 100 * MIB, False),
        ("mkfs.btrfs", "-d raid1", 20 * MIB, False),
        ("mkfs.fat", "-F 16", 2 * MIB, True),
        ("mkfs.fat", "-F 12", 400 * MIB, True),
        ("mkfs.fat", "-F 99", 20 * MIB, False),
    ],
)
def test_sizes_with_options_are_checked_by_the_program(program: str, options: str, size: int, *, refused: bool) -> None:
    """A refusal that has another reason than the size is left to the step: it may be about the file of the trial."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    (maker,) = (one for one in MAKERS.values() if one.program == program)
    view = Machine("/", KernelDevices(), BootState())
    trial = Trial(program, options.split(), (*maker.dry_run, *maker.force), writes=not maker.dry_run)
    assert bool(refusal(trial, size, view)) is refused
