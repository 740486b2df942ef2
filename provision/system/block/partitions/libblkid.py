"""Reads partition tables of every kind but GPT with libblkid, which udev and mount use too. ctypes is loaded lazily."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from provision.planning.machine_view import PartitionEntry, PartitionTable

if TYPE_CHECKING:
    import ctypes

_LIBRARY = "libblkid.so.1"

_UNIT = 512
"""Bytes in which libblkid counts (blkid_partition_get_start)."""


def read(fd: int, sector: int) -> PartitionTable:
    """The table on a device or image, in its sectors; its kind is empty if there is none. Only reads.

    A file system whose first sector looks like an MBR is no table. Tables in partitions (BSD, Solaris) do not count.
    Raises OSError if the device cannot be read, or there is no libblkid. Source: libblkid's "Partitions probing".
    """
    library = _loaded()
    probe = library.blkid_new_probe()
    if not probe:
        raise MemoryError
    try:
        return _read(library, probe, fd, sector)
    finally:
        library.blkid_free_probe(probe)


def _read(library: ctypes.CDLL, probe: int, fd: int, sector: int) -> PartitionTable:
    """What a probe finds. Size 0 is the rest of the device. All that libblkid returns belongs to the probe."""
    if library.blkid_probe_set_device(probe, fd, 0, 0):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    library.blkid_probe_set_sectorsize(probe, sector)
    library.blkid_probe_enable_superblocks(probe, 0)
    library.blkid_probe_enable_partitions(probe, 1)
    library.blkid_do_fullprobe(probe)
    kind, identity = _value(library, probe, b"PTTYPE"), _value(library, probe, b"PTUUID")
    partitions = tuple(_entries(library, probe, sector)) if kind else ()
    if kind == "dos" and identity:
        identity = f"0x{identity}"  # as libparted and fdisk(8) have it
    return PartitionTable(kind, identity, sector, partitions=partitions)


def _value(library: ctypes.CDLL, probe: int, name: bytes) -> str:
    """A value as in the output of blkid(8); empty if there is none."""
    import ctypes

    value = ctypes.c_char_p()
    library.blkid_probe_lookup_value(probe, name, ctypes.byref(value), None)
    return _text(value.value)


def _entries(library: ctypes.CDLL, probe: int, sector: int) -> Iterator[PartitionEntry]:
    """The partitions; none if one is beyond the end of the device: libblkid looks for tables in it, and fails."""
    found = library.blkid_probe_get_partitions(probe)
    table = library.blkid_partlist_get_table(found) if found else None
    for position in range(library.blkid_partlist_numof_partitions(found) if found else 0):
        one = library.blkid_partlist_get_partition(found, position)
        if library.blkid_partition_get_table(one) == table:
            yield _entry(library, one, sector)


def _entry(library: ctypes.CDLL, one: int, sector: int) -> PartitionEntry:
    kind = library.blkid_partition_get_type_string(one) or b"%x" % library.blkid_partition_get_type(one)
    start, size = library.blkid_partition_get_start(one), library.blkid_partition_get_size(one)
    return PartitionEntry(
        library.blkid_partition_get_partno(one),
        start * _UNIT // sector,
        size * _UNIT // sector,
        _text(kind),
        _text(library.blkid_partition_get_uuid(one)),
        _text(library.blkid_partition_get_name(one)),
    )


def _text(text: bytes | None) -> str:
    return (text or b"").decode(errors="replace")


@cache
def _loaded() -> ctypes.CDLL:
    import ctypes

    library = ctypes.CDLL(_LIBRARY)
    pointer, number = ctypes.c_void_p, ctypes.c_longlong
    functions: dict[str, tuple[object, ...]] = {
        "blkid_new_probe": (pointer,),
        "blkid_free_probe": (None, pointer),
        "blkid_probe_set_device": (ctypes.c_int, pointer, ctypes.c_int, number, number),
        "blkid_probe_set_sectorsize": (ctypes.c_int, pointer, ctypes.c_uint),
        "blkid_probe_enable_superblocks": (ctypes.c_int, pointer, ctypes.c_int),
        "blkid_probe_enable_partitions": (ctypes.c_int, pointer, ctypes.c_int),
        "blkid_do_fullprobe": (ctypes.c_int, pointer),
        "blkid_probe_lookup_value": (ctypes.c_int, pointer, ctypes.c_char_p, pointer, pointer),
        "blkid_probe_get_partitions": (pointer, pointer),
        "blkid_partlist_get_table": (pointer, pointer),
        "blkid_partlist_numof_partitions": (ctypes.c_int, pointer),
        "blkid_partlist_get_partition": (pointer, pointer, ctypes.c_int),
        "blkid_partition_get_table": (pointer, pointer),
        "blkid_partition_get_partno": (ctypes.c_int, pointer),
        "blkid_partition_get_start": (number, pointer),
        "blkid_partition_get_size": (number, pointer),
        "blkid_partition_get_type": (ctypes.c_int, pointer),
        "blkid_partition_get_type_string": (ctypes.c_char_p, pointer),
        "blkid_partition_get_uuid": (ctypes.c_char_p, pointer),
        "blkid_partition_get_name": (ctypes.c_char_p, pointer),
    }
    for name, (result, *arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
