"""How the format of a disk image is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.system.images.formats import EMPTY, RAW, FormatRefused, check_qcow2, image_format

PLACES = {
    "qcow2": (0, b"QFI\xfb\0\0\0\3"),
    "a qcow image of version 1": (0, b"QFI\xfb\0\0\0\1"),
    "vmdk": (0, b"KDMV\1\0\0\0\3\0\0\0"),
    "a vmdk image for transport (streamOptimized)": (0, b"KDMV\3\0\0\0\1\0\3\0"),
    "a vmdk image in several files": (0, b"# Disk DescriptorFile\nversion=1\n"),
    "vdi": (64, b"\x7f\x10\xda\xbe"),
    "vhdx": (0, b"vhdxfile"),
    "vhd": (65536 - 512, b"conectix"),
    "gzip data": (0, b"\x1f\x8b\x08"),
    "a tar archive": (257, b"ustar\0"),
    "an ISO 9660 image": (32769, b"CD001"),
    "data in an unknown format": (4000, b"\1"),
}


@pytest.mark.parametrize("name", PLACES)
def test_every_format_has_its_mark(name: str, tmp_path: Path) -> None:
    place, mark = PLACES[name]
    data = bytearray(65536)
    data[place : place + len(mark)] = mark
    path = tmp_path / "file"
    path.write_bytes(data)
    assert image_format(str(path)) == name


def test_a_vmdk_that_needs_another_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"KDMV\1\0\0\0\3\0\0\0".ljust(512, b"\0") + b"# Disk DescriptorFile\nparentCID=01234567\n")
    assert image_format(str(path)) == "a vmdk image that needs another file"


@pytest.mark.parametrize("size", [0, 1, 512, 1 << 20])
def test_zeros_are_an_empty_image(size: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    assert image_format(str(path)) == EMPTY


def test_holes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(8 << 40)
    assert image_format(str(path)) == EMPTY


def test_a_table_makes_it_raw(tmp_path: Path) -> None:
    sector = bytearray(1 << 20)
    sector[446:462] = bytes([0, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0x10, 0, 0, 0])
    sector[510:512] = b"\x55\xaa"
    path = tmp_path / "file"
    path.write_bytes(sector)
    assert image_format(str(path)) == RAW


def header(backing: bytes = b"", *, encrypted: int = 0, features: int = 0) -> bytes:
    """A qcow2 header of version 3 (docs/interop/qcow2.txt)."""
    fields = (3).to_bytes(4, "big") + (104 if backing else 0).to_bytes(8, "big") + len(backing).to_bytes(4, "big")
    return (
        (b"QFI\xfb" + fields).ljust(32, b"\0")
        + encrypted.to_bytes(4, "big")
        + bytes(36)
        + features.to_bytes(8, "big")
        + bytes(24)
        + backing
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (header(encrypted=2), "is encrypted"),
        (header(features=0b100), "another file"),
        (header(features=0b10), "corrupt"),
        (header(b"nbd://host/disk"), "plain path"),
        (header(b'json:{"driver":"nbd"}'), "plain path"),
        (header(b"/dev/null"), "not a regular file"),
        (header(b"file"), "its own backing file"),
    ],
)
def test_a_qcow2_that_cannot_be_copied_alone(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(FormatRefused, match=message):
        check_qcow2(str(path))


def test_a_backing_file_by_a_plain_name(tmp_path: Path) -> None:
    (tmp_path / "base").write_bytes(bytes(512))
    path = tmp_path / "file"
    path.write_bytes(header(b"base"))
    check_qcow2(str(path))
