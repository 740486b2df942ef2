"""Reading a GUID partition table from the bytes of a disk or an image (UEFI 2.10, chapter 5). Never writes."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator

from provision.observe import Partition, Table

_SIGNATURE = b"EFI PART"
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_UNUSED = bytes(16)
_MOST_ENTRIES_BYTES = 1 << 20

_NAMED_BITS = {0: "RequiredPartition", 1: "NoBlockIOProtocol", 2: "LegacyBIOSBootable"}
_FIRST_OWN_BIT = 48

RECORDS = slice(446, 510)
"""The bytes of sector 0 in which an MBR has its four partition records of 16 bytes."""
_RECORD_TYPE = 4
_PROTECTIVE = 0xEE
_BOOT_SIGNATURE = b"\x55\xaa"


def read(fd: int, size: int, sector: int) -> Table | None:
    """The table on an open disk of `size` bytes; its copy at the end where the first is broken; None if there is none.

    Without a protective MBR there is none (UEFI 2.10, 5.2.3; the kernel and libblkid see it so too): what remains then
    is the copy that lay at the end of a disk when it got another table, or a file system. Attributes are spelled as
    sfdisk does: `RequiredPartition GUID:48,56`.
    """
    if protective_records(fd) is None:
        return None
    for header_at in (1, size // sector - 1):
        table = _read_at(fd, header_at, sector)
        if table is not None:
            return table
    return None


def protective_records(fd: int) -> bytes | None:
    """The partition records of the MBR if one of them protects a GPT; others may stand beside it (a hybrid MBR)."""
    block = os.pread(fd, 512, 0)
    records = block[RECORDS]
    is_protective = block[RECORDS.stop :] == _BOOT_SIGNATURE and _PROTECTIVE in records[_RECORD_TYPE::16]
    return records if is_protective else None


def is_unprotected(fd: int, sector: int) -> bool:
    """Whether a whole table lies where the first one belongs, protected or not."""
    return _read_at(fd, 1, sector) is not None


def _read_at(fd: int, header_at: int, sector: int) -> Table | None:
    block = os.pread(fd, sector, header_at * sector)
    if len(block) < _HEADER.size or not block.startswith(_SIGNATURE):
        return None
    _, _, header_size, check, _, here, _, first, last, guid, entries_at, count, width, entries_check = (
        _HEADER.unpack_from(block)
    )
    if not _HEADER.size <= header_size <= sector or here != header_at:
        return None
    if zlib.crc32(block[:16] + bytes(4) + block[20:header_size]) != check:
        return None
    if width < _ENTRY.size or count * width > _MOST_ENTRIES_BYTES:
        return None
    entries = os.pread(fd, count * width, entries_at * sector)
    if zlib.crc32(entries) != entries_check:
        return None
    return Table("gpt", _guid(guid), sector, first, last, tuple(_partitions(entries, width)))


def _partitions(entries: bytes, width: int) -> Iterator[Partition]:
    for number, offset in enumerate(range(0, len(entries), width), start=1):
        kind, guid, start, end, bits, name = _ENTRY.unpack_from(entries, offset)
        if kind != _UNUSED:
            yield Partition(number, start, end - start + 1, _guid(kind), _guid(guid), _label(name), _attributes(bits))


def _guid(raw: bytes) -> str:
    """The first three groups are little-endian (UEFI 2.10, appendix A)."""
    first, second, third, rest = struct.unpack("<IHH8s", raw)
    return f"{first:08X}-{second:04X}-{third:04X}-{rest[:2].hex()}-{rest[2:].hex()}".upper()


def _label(raw: bytes) -> str:
    return raw.decode("utf-16-le", errors="replace").split("\0", 1)[0]


def _attributes(bits: int) -> str:
    named = [name for bit, name in _NAMED_BITS.items() if bits >> bit & 1]
    own = [str(bit) for bit in range(_FIRST_OWN_BIT, 64) if bits >> bit & 1]
    return " ".join([*named, *([f"GUID:{','.join(own)}"] if own else [])])
