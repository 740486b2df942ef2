"""Recognises the format of a file that is given as a disk image, before anything is written to it."""

from __future__ import annotations

import os
import struct

from provision.failures import Failure
from provision.system.block import signatures
from provision.system.block.partitions import tables

RAW = "raw"
EMPTY = "empty"

DRIVERS = {"qcow2": "qcow2", "vmdk": "vmdk", "vdi": "vdi", "vhdx": "vhdx", "vhd": "vpc"}
"""Formats that are opened through QEMU, by the names of its drivers (qemu-img(1), "Notes")."""

_START = (
    (0, b"QFI\xfb\0\0\0\2", "qcow2"),
    (0, b"QFI\xfb\0\0\0\3", "qcow2"),
    (0, b"QFI\xfb", "a qcow image of version 1"),
    (0, b"KDMV", "vmdk"),
    (0, b"COWD", "a vmdk image of an ESX server"),
    (0, b"# Disk DescriptorFile", "a vmdk image in several files"),
    (64, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"conectix", "vhd"),
    (0, b"QED\0", "a qed image"),
    (0, b"WithoutFreeSpace", "a parallels image"),
    (0, b"WithouFreSpacExt", "a parallels image"),
    (0, b"\x1f\x8b", "gzip data"),
    (0, b"\xfd7zXZ\0", "xz data"),
    (0, b"\x28\xb5\x2f\xfd", "zstd data"),
    (0, b"BZh", "bzip2 data"),
    (0, b"\x04\x22\x4d\x18", "lz4 data"),
    (0, b"PK\3\4", "a zip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"!<arch>\n", "an ar archive"),
    (0, b"\xed\xab\xee\xdb", "an rpm package"),
    (0, b"\x7fELF", "an ELF program"),
    (257, b"ustar", "a tar archive"),
    (32769, b"CD001", "an ISO 9660 image"),
)
"""Offset, bytes there, format. Sources: docs/interop/qcow2.txt and block/*.c of QEMU, file(1)."""

_LOOKED_AT = 33 * 1024
_FOOTER = 512
"""A VHD of a fixed size has its signature only in the last sector (Virtual Hard Disk Image Format Specification)."""

_CHUNK = 1 << 20


class FormatRefused(Failure):
    """A file is not a disk image that can be used; the message names its format."""


def image_format(path: str, sector: int = 512) -> str:
    """The format of a file: a key of `DRIVERS`, `raw`, `empty` (zeros only), or words for a refusal ("a tar archive").

    `sector` is the size of a sector in bytes. A file is raw if it has a partition table or a signature that blkid(8)
    knows. An unknown format is "data in an unknown format". Raises OSError, and the failures of reading a table.
    """
    with open(path, "rb") as file:
        head = file.read(_LOOKED_AT)
        size = os.fstat(file.fileno()).st_size
        tail = os.pread(file.fileno(), _FOOTER, max(0, size - _FOOTER))
        for offset, mark, name in _START:
            if head[offset:].startswith(mark):
                return _vmdk(head) if name == "vmdk" else name
        if tail.startswith(b"conectix"):
            return "vhd"
        if _is_zero(file.fileno(), size):
            return EMPTY
    if tables.read(path, size, sector).kind or signatures.probe(path).type:
        return RAW
    return "data in an unknown format"


def _vmdk(head: bytes) -> str:
    """The format of a VMDK in one file: `vmdk`, or words for a refusal.

    Source: VMware, Virtual Disk Format 5.0, "Hosted Sparse Extents".
    """
    if struct.unpack_from("<I", head, 8)[0] & 0x10000:
        return "a vmdk image for transport (streamOptimized)"
    parent = head.partition(b"parentCID=")[2][:8]
    return "vmdk" if parent in {b"", b"ffffffff"} else "a vmdk image that needs another file"


def check_qcow2(path: str) -> None:
    """Refuse a qcow2 file if a copy of it would change other files. Raises FormatRefused, OSError.

    Its backing files are only read. They have to be regular files with plain names, because a name can also be a URL or
    a whole configuration (`json:`, qemu(1)). An external data file is refused, because it would be written.
    """
    seen: set[tuple[int, int]] = set()
    while path:
        status = os.stat(path)
        if (status.st_dev, status.st_ino) in seen:
            raise FormatRefused(f"{path}: is its own backing file")
        seen.add((status.st_dev, status.st_ino))
        path = _backing_file(path)
        if path and not os.path.isfile(path):
            raise FormatRefused(f"{path}: is a backing file, but not a regular file")


def _backing_file(path: str) -> str:
    """The path of a qcow2 file's backing file; empty without one. Source: docs/interop/qcow2.txt of QEMU."""
    with open(path, "rb") as file:
        head = file.read(104)
        if not head.startswith(b"QFI\xfb"):
            return ""
        version, offset, length = struct.unpack_from(">IQI", head, 4)
        encrypted = struct.unpack_from(">I", head, 32)[0]
        features = struct.unpack_from(">Q", head, 72)[0] if version > 2 else 0
        if encrypted:
            raise FormatRefused(f"{path}: is encrypted", hint="qemu-img convert makes a plain copy of it")
        if features & 0b100:
            raise FormatRefused(f"{path}: keeps its data in another file", hint="qemu-img convert makes one file of it")
        if features & 0b10:
            raise FormatRefused(f"{path}: is marked corrupt", hint="qemu-img check -r all may repair it")
        if not offset:
            return ""
        file.seek(offset)
        name = os.fsdecode(file.read(min(length, 1023)))
    name = name.removeprefix("file:")
    if ":" in name.partition("/")[0]:
        raise FormatRefused(f"{path}: the name of its backing file, {name}, is not a plain path")
    return os.path.join(os.path.dirname(path), name)


def _is_zero(fd: int, size: int) -> bool:
    """Whether all bytes of a file are zero; holes are not read."""
    place = 0
    while place < size:
        try:
            place = os.lseek(fd, place, os.SEEK_DATA)
        except OSError:  # ENXIO: there is no data after this position (lseek(2))
            return True
        chunk = os.pread(fd, _CHUNK, place)
        if chunk.count(0) != len(chunk):
            return False
        place += len(chunk)
    return True
