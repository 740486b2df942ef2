"""Reading and writing partition tables: our own reader for GPT, sfdisk(8) for everything else and for writing.

What sfdisk 2.38 does was tried: names take `\\xHH` for any byte, attribute bits 0 to 2 are known by name only (a number
is dropped with a message and status 0), a character outside the basic plane empties the name, and the first 440 bytes
of the disk (a boot loader's) stay as they are.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from provision.failures import Failure
from provision.observe import Partition, Table
from provision.system import gpt, processes, signatures

LOCK_SECONDS = 30.0

_ZEROED = 34
"""Sectors of protective MBR, header and entries at the start of a disk; one less lies at its end."""

_USUAL_ENTRIES = 128

_LOOKED_AT = 1 << 16
"""Tables of every kind that sfdisk knows begin in the first 64 KiB."""

UNPROTECTED = "gpt without its protective MBR"
"""The kind of a table that nobody reads, but that is too whole to be taken for nothing."""

_QUIET = ("--quiet", "--no-reread", "--no-tell-kernel", "--wipe", "never", "--wipe-partitions", "never")


class TableFailed(Failure):
    """sfdisk could not read or write a table; the text is what it said."""


def read(path: str, size: int, sector: int) -> Table:
    """The table on a device or image of `size` bytes. Raises OSError, TableFailed."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        table = gpt.read(fd, size, sector)
        if table is not None:
            return table
        if not any(os.pread(fd, _LOOKED_AT, 0)):
            return Table("", sector=sector)
        table = _read_foreign(path, sector)
        return table._replace(kind=UNPROTECTED) if not table.kind and gpt.is_unprotected(fd, sector) else table
    finally:
        os.close(fd)


def _read_foreign(path: str, sector: int) -> Table:
    """What is no GPT. sfdisk takes the boot sector of a FAT for a table; blkid, which can tell, is asked first."""
    return _read_by_sfdisk(path, sector) if signatures.table_kind(path) != "" else Table("", sector=sector)


def write(path: str, table: Table, *, size: int, erase: bool) -> None:
    """Put a whole table on a device; nothing but the table is written. The caller holds the lock.

    With `erase` both copies of what was there go first; a table without a kind then leaves none. Otherwise the records
    of the protective MBR stay: some firmware boots only where one is marked active, or from a hybrid MBR, and sfdisk
    makes them anew. Raises TableFailed.
    """
    if erase:
        _zero(path, size, table.sector)
    if not table.kind:
        return
    records = _protective_records(path)
    stdin = processes.in_memory(script(table).encode())
    try:
        done = processes.run(["sfdisk", *_QUIET, path], stdin=stdin)
    finally:
        os.close(stdin)
    if done.status != 0:
        raise TableFailed(done.last_lines)
    if records is not None:
        _put(path, records, gpt.RECORDS.start)
    _compare(table, read(path, size, table.sector))


def script(table: Table) -> str:
    """The table in sfdisk's language (sfdisk(8), "Named-fields format"); units are sectors."""
    head = ["label: gpt", f"label-id: {table.guid}" if table.guid else "", "unit: sectors"]
    head += [f"first-lba: {table.first}" if table.first else "", f"last-lba: {table.last}" if table.last else ""]
    highest = max((one.number for one in table.partitions), default=0)
    head += [f"table-length: {highest}" if highest > _USUAL_ENTRIES else ""]
    return "\n".join([*filter(None, head), "", *map(_line, table.partitions), ""])


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Keep udev from looking at a disk while it changes (systemd's block device locking: flock on its node).

    Raises TableFailed.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(fd, path)
        yield
    finally:
        os.close(fd)


def _lock(fd: int, path: str) -> None:
    """Wait for the lock, but not for ever: nothing tells when one that is held becomes free."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise TableFailed(f"another program has had {path} locked for {LOCK_SECONDS:g} s") from error
            time.sleep(0.005)
        else:
            return


def _line(partition: Partition) -> str:
    fields = [f"start={partition.start}", f"size={partition.size}", f"type={partition.type}"]
    fields += [f"uuid={partition.guid}"] if partition.guid else []
    fields += [f'name="{_quoted(partition.label)}"'] if partition.label else []
    fields += [f'attrs="{partition.attributes}"'] if partition.attributes else []
    return f"{partition.number} : {', '.join(fields)}"


def _quoted(label: str) -> str:
    plain = (chr(byte) if chr(byte).isalnum() and byte < 0x80 else f"\\x{byte:02x}" for byte in label.encode())
    return "".join(plain)


def _compare(wanted: Table, found: Table) -> None:
    """What sfdisk says it wrote is not always what it was told."""
    for partition in wanted.partitions:
        written = next((one for one in found.partitions if one.number == partition.number), None)
        if written is None:
            raise TableFailed(f"partition {partition.number} was not written")
        for name, value in partition._asdict().items():
            if value and value != getattr(written, name):
                raise TableFailed(f"{name} of partition {partition.number}: {value!r} was not written")


def _protective_records(path: str) -> bytes | None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return gpt.protective_records(fd)
    finally:
        os.close(fd)


def _zero(path: str, size: int, sector: int) -> None:
    last = (_ZEROED - 1) * sector
    _put(path, bytes(_ZEROED * sector), 0)
    _put(path, bytes(last), size // sector * sector - last)


def _put(path: str, data: bytes, at: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(fd, data, at)
        os.fsync(fd)
    finally:
        os.close(fd)


def _read_by_sfdisk(path: str, sector: int) -> Table:
    import json

    done = processes.run(["sfdisk", "--json", path])
    try:
        found = json.loads(done.output[done.output.index("{") :])["partitiontable"] if done.status == 0 else {}
    except ValueError as error:
        raise TableFailed(done.last_lines) from error
    partitions = (_foreign(one, number) for number, one in enumerate(found.get("partitions", ()), start=1))
    return Table(found.get("label", ""), found.get("id", ""), sector, partitions=tuple(partitions))


def _foreign(one: dict[str, Any], position: int) -> Partition:
    """A partition of a table that is no GPT; its number is the end of the node's name."""
    node = one.get("node", "")
    digits = node[len(node.rstrip("0123456789")) :]
    number = int(digits) if digits else position
    return Partition(number, one["start"], one["size"], one.get("type", ""), one.get("uuid", ""), one.get("name", ""))
