"""Reads and writes GUID partition tables (UEFI 2.10, chapter 5).

Everything that a plan does not change keeps its bytes: the place and number of the entries (some boards have a boot
loader where entries usually are), attributes, names that are not valid text, a hybrid MBR, a record marked active.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from provision.planning.machine_view import PartitionEntry, PartitionTable

_SIGNATURE = b"EFI PART"
_REVISION = 0x10000
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_UNUSED = bytes(16)
_MOST_ENTRIES_BYTES = 1 << 20
_USUAL_PLACE = 2
"""The sector at which the first table's entries begin, unless a table says otherwise."""

_RECORDS = slice(446, 510)
"""The bytes of sector 0 in which an MBR has its four partition records of 16 bytes."""
_RECORD = struct.Struct("<B3sB3sII")
_PROTECTIVE = 0xEE
_BOOT_SIGNATURE = b"\x55\xaa"


class _Found(NamedTuple):
    """A table on a disk: its header (from sector `here`), and the bytes of all entries (from sector `entries_at`)."""

    here: int
    header: bytes
    entries: bytes
    entries_at: int
    width: int
    table: PartitionTable


class _Place(NamedTuple):
    """The sectors for one copy of a table: its header, the header of the other copy, its entries."""

    here: int
    other: int
    entries_at: int


def read(fd: int, size: int, sector: int) -> PartitionTable | None:
    """The table on an open disk of `size` bytes, or its copy at the end if the first is damaged; None if there is none.

    A disk without a protective MBR has no table (5.2.3; the kernel and libblkid agree). A copy at its end is then left
    over from a time before the disk got another table or a file system.
    """
    found = _find(fd, size, sector) if is_protected(fd) else None
    return found.table if found else None


def read_unprotected(fd: int, size: int, sector: int) -> PartitionTable | None:
    """The table at the start of a disk of `size` bytes, whatever the MBR is; None if there is none. Raises OSError."""
    found = _found_at(fd, 1, size, sector)
    return found.table if found else None


def has_remains(fd: int, size: int, sector: int) -> bool:
    """Whether a backup table is in the last sector of a disk of `size` bytes. Raises OSError."""
    return _found_at(fd, size // sector - 1, size, sector) is not None


def is_protected(fd: int) -> bool:
    """Whether the MBR has a record of type EE; a hybrid MBR has other records too."""
    block = os.pread(fd, 512, 0)
    types = [_RECORD.unpack(record)[2] for record in _split(block[_RECORDS], _RECORD.size)]
    return block[_RECORDS.stop :] == _BOOT_SIGNATURE and _PROTECTIVE in types


def write(fd: int, table: PartitionTable, size: int) -> None:
    """Write a table to an open disk of `size` bytes. Raises OSError.

    The backup at the end is synced before the first table changes, so after a power cut one of the two is intact. A
    missing protective MBR is written last.
    """
    found = _find(fd, size, table.sector)
    if found is None or found.table.guid != table.guid:
        found = _blank(table)
    wanted = {one.number: one for one in table.partitions}
    old = _split(found.entries, found.width)
    entries = b"".join(_entry(raw, wanted.get(number)) for number, raw in enumerate(old, start=1))
    first, last = 1, size // table.sector - 1
    first_entries = found.entries_at if found.here == first else _USUAL_PLACE
    last_entries = last - -(-len(entries) // table.sector)
    if last_entries <= table.last:
        raise OSError(errno.ENOSPC, "the entries of the table would overlap its last partition")
    for place in (_Place(last, first, last_entries), _Place(first, last, first_entries)):
        os.pwrite(fd, entries, place.entries_at * table.sector)
        os.pwrite(fd, _header(found, table, place, entries).ljust(table.sector, b"\0"), place.here * table.sector)
        os.fsync(fd)
    if not is_protected(fd):
        os.pwrite(fd, _protective_records(last) + _BOOT_SIGNATURE, _RECORDS.start)
        os.fsync(fd)


def _find(fd: int, size: int, sector: int) -> _Found | None:
    return _found_at(fd, 1, size, sector) or _found_at(fd, size // sector - 1, size, sector)


def _found_at(fd: int, here: int, size: int, sector: int) -> _Found | None:
    block = os.pread(fd, sector, here * sector)
    if len(block) < _HEADER.size or not block.startswith(_SIGNATURE):
        return None
    _, _, length, check, _, said, _, first, last, guid, entries_at, count, width, entries_check = _HEADER.unpack_from(
        block
    )
    if not _HEADER.size <= length <= sector or said != here or not first <= last < size // sector:
        return None
    if zlib.crc32(block[:16] + bytes(4) + block[20:length]) != check:
        return None
    if width < _ENTRY.size or count * width > _MOST_ENTRIES_BYTES:
        return None
    entries = os.pread(fd, count * width, entries_at * sector)
    if zlib.crc32(entries) != entries_check:
        return None
    table = PartitionTable("gpt", _guid(guid), sector, first, last, tuple(_partitions(entries, width)), count)
    return _Found(here, block[:length], entries, entries_at, width, table)


def _blank(table: PartitionTable) -> _Found:
    header = _HEADER.pack(_SIGNATURE, _REVISION, _HEADER.size, 0, 0, 1, 0, 0, 0, _UNUSED, 0, 0, 0, 0)
    entries = bytes(table.entries * _ENTRY.size)
    return _Found(1, header, entries, _USUAL_PLACE, _ENTRY.size, table)


def _header(found: _Found, table: PartitionTable, place: _Place, entries: bytes) -> bytes:
    """The header that was found, with the values of this table and this place."""
    signature, revision, length, _, reserved, *_ = _HEADER.unpack_from(found.header)
    count, check = len(entries) // found.width, zlib.crc32(entries)
    guid = _raw_guid(table.guid)
    values = (place.here, place.other, table.first, table.last, guid, place.entries_at, count, found.width, check)
    unchecked = _HEADER.pack(signature, revision, length, 0, reserved, *values) + found.header[_HEADER.size :]
    return unchecked[:16] + struct.pack("<I", zlib.crc32(unchecked)) + unchecked[20:]


def _entry(raw: bytes, wanted: PartitionEntry | None) -> bytes:
    """The new bytes of an entry; an entry that does not change keeps its bytes."""
    if wanted is None:
        return bytes(len(raw))
    found = _partition(wanted.number, raw)
    if found == wanted:
        return raw
    end = wanted.start + wanted.size - 1
    name, rest = wanted.label.encode("utf-16-le"), bytes(len(raw) - _ENTRY.size)
    if found is not None and (found.guid, found.label) == (wanted.guid, wanted.label):
        name, rest = _ENTRY.unpack_from(raw)[5], raw[_ENTRY.size :]
    guids = (_raw_guid(wanted.type), _raw_guid(wanted.guid))
    return _ENTRY.pack(*guids, wanted.start, end, wanted.attributes, name) + rest


def _protective_records(last: int) -> bytes:
    """The record of a protective MBR, which covers the whole disk, or 2^32 - 1 sectors (5.2.3, table 5.4)."""
    record = _RECORD.pack(0, b"\x00\x02\x00", _PROTECTIVE, b"\xff\xff\xff", 1, min(last, 0xFFFFFFFF))
    return record.ljust(_RECORDS.stop - _RECORDS.start, b"\0")


def _partitions(entries: bytes, width: int) -> Iterator[PartitionEntry]:
    found = (_partition(number, raw) for number, raw in enumerate(_split(entries, width), start=1))
    return (one for one in found if one is not None)


def _partition(number: int, raw: bytes) -> PartitionEntry | None:
    kind, guid, start, end, attributes, name = _ENTRY.unpack_from(raw)
    if kind == _UNUSED:
        return None
    return PartitionEntry(number, start, end - start + 1, _guid(kind), _guid(guid), _label(name), attributes)


def _split(data: bytes, width: int) -> list[bytes]:
    return [data[offset : offset + width] for offset in range(0, len(data), width)]


def _guid(raw: bytes) -> str:
    """The GUID as text; its first three groups are little-endian (appendix A)."""
    first, second, third, rest = struct.unpack("<IHH8s", raw)
    return f"{first:08X}-{second:04X}-{third:04X}-{rest[:2].hex()}-{rest[2:].hex()}".upper()


def _raw_guid(guid: str) -> bytes:
    raw = bytes.fromhex(guid.replace("-", ""))
    return raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]


def _label(raw: bytes) -> str:
    return raw.decode("utf-16-le", errors="replace").split("\0", 1)[0]
