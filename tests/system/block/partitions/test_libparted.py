"""libparted as a second reader: it agrees with our tables and with libblkid on others, and it finds differences."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from provision.planning.machine_view import Device, PartitionEntry, PartitionTable
from provision.stages.disks.partitions import layout
from provision.system.block.partitions import libparted, tables
from tests.system.block.partitions.test_tables import LINUX, SIZE, image, random_tables, read_by_library, table

pytestmark = pytest.mark.skipif(not libparted.is_installed(), reason="pyparted is not installed")

ONE = PartitionEntry(2, 2048, 4096, LINUX, "11111111-2222-4333-8444-555555555555", "data")


@settings(max_examples=50)
@given(random_tables())
def test_it_agrees_with_what_we_write(tmp_path_factory: pytest.TempPathFactory, wanted: PartitionTable) -> None:
    path = image(tmp_path_factory.mktemp("table"))
    tables.write(path, wanted, size=SIZE, erase=False)
    libparted.check(path, wanted)
    os.unlink(path)


def test_sectors_of_4096_bytes(tmp_path: Path) -> None:
    path = image(tmp_path)
    wanted = PartitionTable("gpt", "DEADBEEF-0000-4000-8000-000000000001", 4096, 6, SIZE // 4096 - 7, (ONE,))
    wanted = wanted._replace(partitions=(ONE._replace(start=512, size=1024),))
    tables.write(path, wanted, size=SIZE, erase=False)
    libparted.check(path, wanted)
    with pytest.raises(libparted.TablesDiffer, match="sees no table with sectors of 512 bytes, not gpt"):
        libparted.check(path, wanted._replace(sector=512))


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("size", [3 << 20, 64 << 20, (3 << 30) + 12288, 1 << 40])
def test_the_first_partition_of_an_empty_disk_has_its_optimal_alignment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, sector: int
) -> None:
    """An image has no alignment of its own: libparted accepts every sector, and prefers 1 MiB."""
    import parted

    path = tmp_path / "disk.img"
    path.touch()
    os.truncate(path, size)
    monkeypatch.setenv("PARTED_SECTOR_SIZE", str(sector))
    device = parted.getDevice(str(path))
    blank = layout.blank_table(Device("/dev/vda", size, sector), ONE.guid)
    extent = layout.place(layout.space(blank, size // sector), (), 0, 0)
    assert extent is not None
    assert (device.minimumAlignment.grainSize, device.optimumAlignment.grainSize * sector) == (1, 1 << 20)
    assert extent.first % device.optimumAlignment.grainSize == device.optimumAlignment.offset
    device.removeFromCache()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"start": 4096},
            "partition 2 of 4096 sectors from sector 2048, named 'data', not of 4096 sectors from sector 4",
        ),
        ({"size": 1}, "not of 1 sectors"),
        ({"label": "other"}, "not of 4096 sectors from sector 2048, named 'other'"),
        ({"number": 3}, "partition 2 of .*, not absent"),
    ],
)
def test_a_difference_is_a_failure(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = image(tmp_path)
    tables.write(path, table(ONE), size=SIZE, erase=False)
    with pytest.raises(libparted.TablesDiffer, match=message):
        libparted.check(path, table(ONE._replace(**change)))


def test_a_table_that_was_not_written_is_missed(tmp_path: Path) -> None:
    with pytest.raises(libparted.TablesDiffer, match="sees no table"):
        libparted.check(image(tmp_path), table(ONE))
    libparted.check(image(tmp_path), PartitionTable("", sector=512))


@pytest.mark.skipif(shutil.which("sfdisk") is None, reason="sfdisk is not on PATH")
@pytest.mark.parametrize(
    ("script", "kind", "numbers"),
    [
        ("label: dos\nlabel-id: 0x12345678\n2048,20480,83\n,40960,5\n,8000,82\n", "dos", [1, 2, 3]),
        ("label: dos\n2048,2048,83\n4096,40960,5\n6144,2048,83\n10240,2048,83\n", "dos", [1, 2, 5, 6]),
        ("label: sun\n0,16065,83\n", "sun", [1]),
    ],
)
def test_it_agrees_with_libblkid(tmp_path: Path, script: str, kind: str, numbers: list[int]) -> None:
    path = image(tmp_path)
    subprocess.run(["sfdisk", "-q", path], input=script, text=True, check=True)
    ours, theirs = libparted.read(path, 512), read_by_library(path)
    assert (ours.kind, ours.guid, ours.sector) == (theirs.kind, theirs.guid, theirs.sector)
    assert ours.kind == kind
    places = [[(one.number, one.start, one.size) for one in found.partitions] for found in (ours, theirs)]
    if "82" in script:
        assert [one.guid for one in ours.partitions] == ["12345678-01", "12345678-02", "12345678-03"]
    assert [one[0] for one in places[0]] == numbers
    assert places[0] == [one for one in places[1] if one[0] in numbers]


def test_a_mac_table(tmp_path: Path) -> None:
    """Sector 0 has the driver descriptor, each entry one sector (Inside Macintosh: Devices, SCSI Manager)."""
    path = image(tmp_path)

    def entry(start: int, size: int, name: bytes, kind: bytes) -> bytes:
        fields = b"PM\0\0" + b"".join(number.to_bytes(4, "big") for number in (2, start, size))
        return (fields + name.ljust(32, b"\0") + kind.ljust(32, b"\0") + bytes(4) + size.to_bytes(4, "big")).ljust(
            512, b"\0"
        )

    with open(path, "r+b") as file:
        file.write((b"ER" + (512).to_bytes(2, "big") + (SIZE // 512).to_bytes(4, "big")).ljust(512, b"\0"))
        file.write(entry(1, 63, b"Apple", b"Apple_partition_map") + entry(64, 2048, b"data", b"Apple_UNIX_SVR2"))
    found = tables.read(path, SIZE, 512)
    assert found.kind == "mac"
    assert [(one.number, one.start, one.size, one.label) for one in found.partitions][1] == (2, 64, 2048, "data")


@pytest.mark.parametrize("make", [lambda path: ["mkfs.ext4", "-q", path], lambda path: ["mkfs.vfat", path]])
def test_a_lone_file_system_is_no_table(tmp_path: Path, make: Callable[[str], list[str]]) -> None:
    path = image(tmp_path)
    if shutil.which(make(path)[0]) is None:
        pytest.skip(f"{make(path)[0]} is not on PATH")
    subprocess.run(make(path), check=True, capture_output=True)
    assert tables.read(path, SIZE, 512).kind == ""


def test_what_libparted_refuses_is_left_to_libblkid(tmp_path: Path) -> None:
    path = image(tmp_path)
    subprocess.run(["sfdisk", "-q", path], input="label: dos\n2048,20480,83\n", text=True, check=True)
    os.truncate(path, 1 << 20)  # the partition lies beyond the end now
    assert libparted.read(path, 512).kind == ""
    assert tables.read(path, 1 << 20, 512).kind == "dos"


def test_tables_are_read_without_pyparted() -> None:
    code = "import sys; sys.modules['parted'] = None; from provision.system.block.partitions import libparted, tables"
    code += "; assert not libparted.is_installed(); libparted.check('/nowhere', None)"
    subprocess.run([sys.executable, "-c", code], check=True)
