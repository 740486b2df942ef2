"""Placing partitions as sgdisk does: 2,000 random tables, compared with `sgdisk --pretend --info`."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.config.format import Disk, Partition
from provision.failures import PlanRefused
from provision.planning.machine_view import Device, PartitionTable
from provision.planning.machine_view import PartitionEntry as Entry
from provision.stages.disks.partitions.desired import DesiredPartition, disk_of, resolve_partitions
from provision.stages.disks.partitions.layout import LARGE_DISK, Extent, extent, free_blocks, place, space
from tests.stages.world import MIB, World, guid, partition

TABLES = 500
SGDISK = pytest.mark.skipif(shutil.which("sgdisk") is None, reason="sgdisk is not on PATH")


@pytest.mark.peer
@SGDISK
def test_512_byte_sectors(tmp_path: Path) -> None:
    compare_many(str(tmp_path / "disk.img"), tmp_path / "disk.img", sector=512)


@pytest.mark.peer
@pytest.mark.disks
@SGDISK
def test_4096_byte_sectors(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    resize(image, 256)
    with loop_device(image, sector=4096) as device:
        compare_many(device, image, sector=4096)


def compare_many(device: str, image: Path, sector: int) -> None:
    chance = random.Random(sector)
    placed = 0
    for number in range(TABLES):
        if device == str(image):
            resize(image, chance.choice([8, 64, 256]))
        size = image.stat().st_size
        table = random_table(chance, device, size, sector)
        disk = Disk(device=device, partitions=random_partitions(chance, size // MIB))
        world = World()
        world.devices[device], world.tables[device] = Device(device, size, sector), table
        wanted = disk_of(("storage", "disks", 0), disk, world.devices[device], world)
        expected = sgdisk_says(device, wanted.desired_entries, table)
        try:
            found = [
                Extent(desired.start or 0, (desired.start or 0) + (desired.size or 0) - 1)
                for desired in resolve_partitions(wanted)
                if desired.exists
            ]
        except PlanRefused:
            found = []
        assert found == expected, f"table {number}: {table} with {wanted.desired_entries}"
        placed += bool(found)
    assert placed > TABLES // 3, "too few of the random configs can be carried out"


def random_table(chance: random.Random, device: str, size: int, sector: int) -> PartitionTable:
    """A table written by sfdisk and read back; sometimes a disk without a table."""
    wipe(device)
    if chance.random() < 0.1:
        return PartitionTable("")
    reserved = 2 + 128 * 128 // sector
    alignment = chance.choice([1, 2, 8, 64, MIB // sector, MIB // sector])
    lines = [f"label: gpt\nlabel-id: {guid(99)}\nfirst-lba: {reserved}"]
    for number, block in random_blocks(chance, reserved, size // sector - reserved, alignment):
        lines.append(f"{number} : start={block.first}, size={block.size}, uuid={guid(number)}")
    script = "\n".join(lines) + "\n"
    command = ["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", device]
    subprocess.run(command, input=script, text=True, check=True, capture_output=True)
    return read_table(device, sector)


def random_blocks(chance: random.Random, first: int, last: int, alignment: int) -> Iterator[tuple[int, Extent]]:
    position = first
    for number in chance.sample(range(1, 9), chance.randint(0, 6)):
        start = -(-(position + chance.choice([0, 0, chance.randint(0, last // 4)])) // alignment) * alignment
        end = start + chance.randint(1, max(last // 5, 1))
        if end > last:
            return
        yield number, Extent(start, end)
        position = end + 1


def random_partitions(chance: random.Random, mebibytes: int) -> tuple[Partition, ...]:
    """Distinct numbers and labels; starts and sizes left open, 0 or small enough to have a chance."""
    numbers = [*chance.sample(range(1, 9), chance.randint(0, 3)), *([0] * chance.randint(0, 3))]
    chance.shuffle(numbers)
    return tuple(
        Partition(
            number=number,
            label=f"p{index}",
            start_mib=chance.choice([None, None, 0, chance.randint(1, mebibytes)]),
            size_mib=chance.choice([None, 0, chance.randint(1, max(mebibytes // 4, 1)), chance.randint(1, 4)]),
            wipe_partition_entry=chance.choice([None, True]),
        )
        if not number or chance.random() < 0.85
        else Partition(number=number, should_exist=False)
        for index, number in enumerate(numbers)
    )


def sgdisk_says(device: str, desired_entries: tuple[DesiredPartition, ...], table: PartitionTable) -> list[Extent]:
    """The result of the sgdisk call that Ignition makes; empty if sgdisk refuses."""
    before = {partition.number: partition for partition in table.partitions}
    deletes, news = [], []
    used = set(before)
    for desired in desired_entries:
        old = before.get(desired.number)
        deletes += [f"--delete={desired.number}"] if old else []
        keeps = old is not None and not desired.replace
        start = old.start if old and keeps and desired.start is None else desired.start or 0
        size = old.size if old and keeps and desired.size is None else desired.size or 0
        news += [f"--new={desired.number}:{start}:+{size}"] if desired.exists else []
        used = (used - {desired.number}) | ({desired.number} if desired.exists and desired.number else set())
    free = (number for number in range(1, 128) if number not in used)
    infos = [f"--info={desired.number or next(free)}" for desired in desired_entries if desired.exists]
    command = ["sgdisk", "--pretend", *deletes, *news, *infos, device]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return []
    firsts = re.findall(r"^First sector: (\d+)", done.stdout, re.MULTILINE)
    lasts = re.findall(r"^Last sector: (\d+)", done.stdout, re.MULTILINE)
    return [Extent(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def read_table(device: str, sector: int) -> PartitionTable:
    output = subprocess.run(["sfdisk", "--json", device], capture_output=True, check=True).stdout
    table = json.loads(output)["partitiontable"]
    entries = tuple(
        Entry(
            int(re.findall(r"\d+$", one["node"])[0]),
            one["start"],
            one["size"],
            one["type"],
            one["uuid"],
            one.get("name", ""),
        )
        for one in table.get("partitions", [])
    )
    return PartitionTable("gpt", table["id"], sector, table["firstlba"], table["lastlba"], tuple(sorted(entries)))


def wipe(device: str) -> None:
    """Blank the places of both copies of the table."""
    with open(device, "r+b") as file:
        end = file.seek(0, 2)
        for place in (0, end - 64 * 1024):
            file.seek(place)
            file.write(bytes(64 * 1024))


def resize(image: Path, mebibytes: int) -> None:
    with image.open("wb") as file:
        file.truncate(mebibytes * MIB)


@contextmanager
def loop_device(image: Path, sector: int) -> Iterator[str]:
    command = ["losetup", "--find", "--show", "--sector-size", str(sector), str(image)]
    device = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


class TestArithmetic:
    """The same arithmetic, tested without sgdisk."""

    table = PartitionTable("gpt", "", 512, 34, 131038, (Entry(1, 2048, 1001, "", ""), Entry(2, 90000, 100, "", "")))

    def test_alignment_is_what_present_partitions_keep(self) -> None:
        assert space(self.table._replace(partitions=()), 131072).alignment == 2048
        assert space(self.table, 131072).alignment == 16
        odd = self.table._replace(partitions=(Entry(1, 2049, 1, "", ""),))
        assert space(odd, 131072).alignment == 1

    def test_free_blocks(self) -> None:
        taken = [Extent(2048, 3048), Extent(90000, 90099)]
        assert list(free_blocks(space(self.table, 131072), taken)) == [
            Extent(34, 2047),
            Extent(3049, 89999),
            Extent(90100, 131038),
        ]

    def test_a_full_disk(self) -> None:
        assert place(space(self.table, 131072), [Extent(34, 131038)], 0, 0) is None

    def test_start_and_size_0_take_the_largest_block(self) -> None:
        taken = [Extent(2048, 3048), Extent(90000, 90099)]
        assert place(space(self.table, 131072), taken, 0, 0) == Extent(3056, 89999)

    def test_size_0_ends_with_the_largest_block_wherever_it_starts(self) -> None:
        taken = [Extent(2048, 3048), Extent(90000, 90099)]
        assert place(space(self.table, 131072), taken, 40960, 0) == Extent(40960, 89999)
        assert place(space(self.table, 131072), taken, 92160, 0) is None


def test_partitions_that_touch_leave_no_block_between_them() -> None:
    entries = (partition(1, 2048, 2048), partition(2, 4096, 1), partition(3, 4098, 2))
    table = PartitionTable("gpt", guid(99), 512, 2048, 4099, entries)
    taken = [extent(entry) for entry in entries]
    assert taken == [Extent(2048, 4095), Extent(4096, 4096), Extent(4098, 4099)]
    assert list(free_blocks(space(table, 8192), taken)) == [Extent(4097, 4097)]


@pytest.mark.parametrize(
    ("start", "sectors", "alignment"),
    [(2049, LARGE_DISK - 1, 1), (2049, LARGE_DISK, 8), (2052, LARGE_DISK, 8), (2064, LARGE_DISK, 16)],
)
def test_a_large_disk_has_an_alignment_of_at_least_4096_bytes(start: int, sectors: int, alignment: int) -> None:
    table = PartitionTable("gpt", guid(99), 512, 34, sectors - 34, (partition(1, start, 8),))
    assert space(table, sectors).alignment == alignment
