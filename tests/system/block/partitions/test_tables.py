from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.planning.machine_view import UNPROTECTED, PartitionEntry, PartitionTable
from provision.system.block.partitions import libblkid, tables

pytestmark = pytest.mark.slow  # each test starts programs

LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
DISK = "DEADBEEF-0000-4000-8000-000000000001"
SIZE = 64 << 20
LAST = SIZE // 512 - 34

GUIDS = st.uuids().map(lambda guid: str(guid).upper()).filter(lambda guid: UUID(guid).int != 0)
LABELS = st.text(st.characters(min_codepoint=1, exclude_categories=("Cs", "Cc")), max_size=36).filter(
    lambda label: len(label.encode("utf-16-le")) <= 72
)
ATTRIBUTES = st.integers(0, (1 << 64) - 1)


@st.composite
def random_tables(draw: st.DrawFn) -> PartitionTable:
    edges = sorted(draw(st.sets(st.integers(34, LAST + 1), max_size=12)))
    numbers = draw(st.permutations(range(1, 129)))
    guids = draw(st.lists(GUIDS, min_size=6, max_size=6, unique=True))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    return table(
        *sorted(
            PartitionEntry(number, start, end - start, draw(GUIDS), guid, draw(LABELS), draw(ATTRIBUTES))
            for number, (start, end), guid in zip(numbers, pairs, guids, strict=False)
        )
    )


def table(*partitions: PartitionEntry) -> PartitionTable:
    return PartitionTable("gpt", DISK, 512, 34, LAST, partitions)


def image(folder: Path, size: int = SIZE) -> str:
    path = folder / "disk.img"
    path.touch()
    os.truncate(path, size)
    return str(path)


@given(random_tables())
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, wanted: PartitionTable) -> None:
    path = image(tmp_path_factory.mktemp("table"))
    tables.write(path, wanted, size=SIZE, erase=False)
    assert tables.read(path, SIZE, 512) == wanted
    os.unlink(path)


@pytest.mark.skipif(shutil.which("sgdisk") is None, reason="sgdisk is not on PATH")
def test_other_readers_agree(tmp_path: Path) -> None:
    path = image(tmp_path)
    wanted = table(
        PartitionEntry(2, 2048, 4096, LINUX, "11111111-2222-4333-8444-555555555555", "dätä \N{ROCKET}", 1 << 48),
        PartitionEntry(7, 34, 100, LINUX, "11111111-2222-4333-8444-555555555556", "", 1),
    )
    tables.write(path, wanted, size=SIZE, erase=False)
    done = subprocess.run(["sgdisk", "--verify", path], capture_output=True, text=True, check=True)
    assert "No problems found" in done.stdout
    seen = json.loads(subprocess.check_output(["sfdisk", "--json", path]))["partitiontable"]
    assert (seen["id"], seen["firstlba"], seen["lastlba"]) == (DISK, 34, LAST)
    assert [(one["start"], one["size"], one["uuid"], one.get("name", "")) for one in seen["partitions"]] == [
        (one.start, one.size, one.guid, one.label) for one in wanted.partitions
    ]


def test_a_blank_disk_has_no_table(tmp_path: Path) -> None:
    assert tables.read(image(tmp_path), SIZE, 512) == PartitionTable("", sector=512)


def test_other_kinds_are_reported(tmp_path: Path) -> None:
    path = image(tmp_path)
    subprocess.run(["sfdisk", "--quiet", path], input=b"label: dos\n2 : start=2048, size=4096\n", check=True)
    found = tables.read(path, SIZE, 512)
    assert found.kind == "dos"
    assert [(one.number, one.start, one.size) for one in found.partitions] == [(2, 2048, 4096)]


LOGICAL = """label: dos
label-id: 0x12345678
start=2048, size=4096, type=83
start=8192, size=40000, type=f
5 : start=10240, size=2048, type=82
6 : start=14336, size=2048, type=7
"""


def read_by_library(path: str, sector: int = 512) -> PartitionTable:
    fd = os.open(path, os.O_RDONLY)
    try:
        return libblkid.read(fd, sector)
    finally:
        os.close(fd)


def test_libblkid_reads_logical_partitions(tmp_path: Path) -> None:
    path = image(tmp_path)
    subprocess.run(["sfdisk", "--quiet", path], input=LOGICAL.encode(), check=True)
    found = read_by_library(path)
    assert (found.kind, found.guid) == ("dos", "0x12345678")
    assert [(one.number, one.start, one.size, one.type, one.guid) for one in found.partitions] == [
        (1, 2048, 4096, "83", "12345678-01"),
        (2, 8192, 40000, "f", "12345678-02"),
        (5, 10240, 2048, "82", "12345678-05"),
        (6, 14336, 2048, "7", "12345678-06"),
    ]


@pytest.mark.parametrize("kind", ["sgi", "sun"])
def test_libblkid_reads_what_sfdisk_writes(tmp_path: Path, kind: str) -> None:
    path = image(tmp_path)
    subprocess.run(["sfdisk", "--quiet", path], input=f"label: {kind}\n".encode(), check=True)
    shown = json.loads(subprocess.check_output(["sfdisk", "--json", path]))["partitiontable"]
    found = read_by_library(path)
    assert found.kind == kind
    assert [(one.number, one.start, one.size) for one in found.partitions] == [
        (int(one["node"].removeprefix(path)), one["start"], one["size"]) for one in shown.get("partitions", ())
    ]


def test_libblkid_counts_in_the_sectors_of_the_device(tmp_path: Path) -> None:
    path = image(tmp_path)
    subprocess.run(["sfdisk", "--quiet", path], input=b"label: dos\nstart=2048, size=4096\n", check=True)
    assert [(one.start, one.size) for one in read_by_library(path, 4096).partitions] == [(2048, 4096)]


def test_a_table_with_a_partition_beyond_the_end_is_not_taken_for_no_table(tmp_path: Path) -> None:
    path = image(tmp_path)
    subprocess.run(["sfdisk", "--quiet", path], input=LOGICAL.encode(), check=True)
    os.truncate(path, 3 << 20)
    assert read_by_library(path).kind == "dos"
    assert tables.read(path, 3 << 20, 512).kind == "dos"


def test_a_broken_table_is_read_from_its_copy(tmp_path: Path) -> None:
    path = image(tmp_path)
    wanted = table(PartitionEntry(1, 2048, 4096, LINUX, DISK))
    tables.write(path, wanted, size=SIZE, erase=False)
    for damaged in (512 + 60, 1024 + 5):
        with open(path, "r+b") as disk:
            disk.seek(damaged)
            disk.write(b"\xff")
        assert tables.read(path, SIZE, 512) == wanted


def test_what_is_left_of_an_old_table_is_none(tmp_path: Path) -> None:
    """After a disk got an MBR or a file system, the backup of its old table is still at its end, but not in use."""
    path = image(tmp_path)
    tables.write(path, table(PartitionEntry(1, 2048, 4096, LINUX, DISK)), size=SIZE, erase=False)
    with open(path, "r+b") as disk:
        disk.write(bytes(1 << 20))
    assert tables.read(path, SIZE, 512) == PartitionTable("", sector=512, remains=True)
    subprocess.run(["sfdisk", "--quiet", "--wipe", "never", path], input=b"label: dos\n1 : start=2048\n", check=True)
    assert tables.read(path, SIZE, 512).kind == "dos"


def test_a_table_without_protective_mbr_is_not_taken_for_no_table(tmp_path: Path) -> None:
    path = image(tmp_path)
    tables.write(path, table(PartitionEntry(1, 2048, 4096, LINUX, DISK)), size=SIZE, erase=False)
    with open(path, "r+b") as disk:
        disk.write(bytes(512))
    assert tables.read(path, SIZE, 512).kind == UNPROTECTED


def test_a_fat_is_no_table(tmp_path: Path) -> None:
    """The boot sector of a FAT ends with the same bytes as an MBR."""
    path = image(tmp_path)
    subprocess.run(["mkfs.fat", path], check=True, stdout=subprocess.DEVNULL)
    assert tables.read(path, SIZE, 512).kind == ""
    assert read_by_library(path).kind == ""


def test_a_hybrid_and_an_active_record_stay_unless_everything_goes(tmp_path: Path) -> None:
    path, first = image(tmp_path), PartitionEntry(1, 2048, 4096, LINUX, DISK)
    tables.write(path, table(first), size=SIZE, erase=False)
    active = b"\x80" + Path(path).read_bytes()[447:462]
    hybrid = bytes.fromhex("00 00 00 00 83 00 00 00 00 08 00 00 00 10 00 00")
    with open(path, "r+b") as disk:
        disk.seek(446)
        disk.write(active + hybrid)
    more = table(first, PartitionEntry(2, 8192, 4096, LINUX, "11111111-2222-4333-8444-555555555555"))
    tables.write(path, more, size=SIZE, erase=False)
    assert Path(path).read_bytes()[446:478] == active + hybrid
    assert tables.read(path, SIZE, 512) == more
    tables.write(path, more, size=SIZE, erase=True)
    assert Path(path).read_bytes()[446:478] != active + hybrid


def test_a_boot_loader_stays_unless_everything_goes(tmp_path: Path) -> None:
    path = image(tmp_path)
    with open(path, "r+b") as disk:
        disk.write(b"\x90" * 440)
    tables.write(path, table(), size=SIZE, erase=False)
    assert Path(path).read_bytes()[:440] == b"\x90" * 440
    tables.write(path, PartitionTable(""), size=SIZE, erase=True)
    assert not any(Path(path).read_bytes())


def test_contents_of_partitions_stay(tmp_path: Path) -> None:
    path = image(tmp_path)
    subprocess.run(["mkfs.ext4", "-q", "-E", "offset=1048576", path, "8M"], check=True)
    before = Path(path).read_bytes()[1 << 20 : 9 << 20]
    tables.write(path, table(PartitionEntry(1, 2048, 16384, LINUX, DISK)), size=SIZE, erase=True)
    assert Path(path).read_bytes()[1 << 20 : 9 << 20] == before


def test_a_table_may_have_more_entries_than_usual(tmp_path: Path) -> None:
    path = image(tmp_path)
    wanted = table(PartitionEntry(200, 2048, 100, LINUX, DISK))._replace(first=2048, last=LAST - 100, entries=256)
    tables.write(path, wanted, size=SIZE, erase=False)
    assert tables.read(path, SIZE, 512) == wanted


@pytest.mark.skipif(shutil.which("sgdisk") is None, reason="sgdisk is not on PATH")
@pytest.mark.parametrize("odd", [["-j", "1000"], ["-S", "16"], ["-S", "300"], ["-A", "1:set:5", "-A", "1:set:20"]])
def test_unusual_parts_of_a_table_stay(tmp_path: Path, odd: list[str]) -> None:
    """Apart from the new partition every byte is the same as after sgdisk has made that partition."""
    path, other = image(tmp_path), str(tmp_path / "other.img")
    subprocess.run(["sgdisk", *odd[:2], "-n", "1:4096:+10M", "-c", "1:\N{ROCKET}", *odd, path], check=True)
    shutil.copy(path, other)
    guid = "11111111-2222-4333-8444-555555555555"
    before = tables.read(path, SIZE, 512)
    added = PartitionEntry(9, 40960, 4096, LINUX, guid, "new")
    tables.write(path, before._replace(partitions=(*before.partitions, added)), size=SIZE, erase=False)
    subprocess.run(["sgdisk", "-n", "9:40960:+4096", "-u", f"9:{guid}", "-c", "9:new", other], check=True)
    assert Path(path).read_bytes() == Path(other).read_bytes()


def test_the_copy_alone_brings_everything_back(tmp_path: Path) -> None:
    """A power cut while a table is written leaves the table or its backup intact."""
    path, first = image(tmp_path), PartitionEntry(1, 2048, 4096, LINUX, DISK)
    tables.write(path, table(first), size=SIZE, erase=False)
    with open(path, "r+b") as disk:
        disk.seek(512)
        disk.write(b"\xff" * 4096)
    more = table(first, PartitionEntry(2, 8192, 4096, LINUX, "11111111-2222-4333-8444-555555555555"))
    tables.write(path, more, size=SIZE, erase=False)
    with open(path, "r+b") as disk:
        disk.seek(SIZE - 4096)
        disk.write(bytes(4096))
    assert tables.read(path, SIZE, 512) == more


def test_a_table_that_reaches_beyond_the_disk_is_none(tmp_path: Path) -> None:
    path = image(tmp_path)
    tables.write(path, table(PartitionEntry(1, 2048, 4096, LINUX, DISK)), size=SIZE, erase=False)
    os.truncate(path, SIZE // 2)
    assert tables.read(path, SIZE // 2, 512).kind != "gpt"
