"""The block devices of the running machine, by any of their names."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from provision.failures import Failure
from provision.planning.device_names import BY_CONTENTS, BY_MAPPING, of_partition, of_signature
from provision.planning.machine_view import Device, LuksHeader, PartitionTable, Signature
from provision.system.block import luks_header, signatures, sysfs, udev
from provision.system.block.devices import DeviceFailed
from provision.system.block.partitions import kernel as kernel_partitions
from provision.system.block.partitions import mappings, tables

WAIT = 30.0
"""Seconds to wait for a device."""


class KernelDevices:
    """The devices of the running kernel. No wait takes longer than `wait_seconds`."""

    temporary = False

    def __init__(self, wait_seconds: float = WAIT) -> None:
        self._seconds = wait_seconds

    def device(self, name: str) -> Device | None:
        """The device; its canonical name is the kernel's (`/dev/vda1`, `/dev/dm-0`)."""
        block = _find(name)
        if block is None or not block.size:
            return None
        device = Device(block.node, block.size, block.sector, in_use=_used(block))
        return device._replace(mapper=block.mapper, read_only=block.is_read_only)

    def table(self, name: str) -> PartitionTable:
        """As in Devices; a partition has no table."""
        block = _required(name)
        return (
            PartitionTable("", sector=block.sector)
            if block.is_partition
            else tables.read(block.node, block.size, block.sector)
        )

    def signature(self, name: str) -> Signature:
        """The signature that blkid finds. Raises DeviceFailed, OSError, ProbeFailed."""
        return signatures.probe(_required(name).node)

    def luks_header(self, name: str) -> LuksHeader | None:
        """The LUKS header, and the name of the mapping if it is open; None without a header. Raises DeviceFailed."""
        block = _required(name)
        return luks_header.read(block.node, 0, sysfs.opened_as(block))

    def node(self, name: str) -> str:
        """The kernel's node; for a mapping the path with its name, because tools require it. Raises DeviceFailed."""
        block = _required(name)
        return f"/dev/mapper/{block.mapper}" if block.mapper else block.node

    def name(self, source: str) -> str:
        """The kernel's node behind a link."""
        block = _find(source)
        return block.node if block else source

    def write_table(self, name: str, table: PartitionTable, *, erase: bool, clear: Sequence[int] = ()) -> None:
        """Write the table while udev is locked out, update the kernel, and wait until udev has made its links.

        `erase` and `clear` are as in `tables.write`. Raises DeviceFailed, TableFailed, OSError.
        """
        disk = _required(name)
        changed = [disk.path]
        udev.settle(changed, self._seconds)
        with udev.settled_after(changed, self._seconds), tables.locked(disk.node), _private_node(disk) as node:
            tables.write(node, table, size=disk.size, erase=erase, clear=clear)
            changed += [_required(one).path for one in kernel_partitions.follow(disk, table)]

    def wait(self, names: Sequence[str], *, gone: bool = False) -> None:
        """As in Devices, by events of udev, or of the kernel if udevd does not run. Raises DeviceFailed."""
        missing = _wrong(names, gone)
        if not missing:
            return
        events = udev.BlockEvents(udev.UDEV if udev.running() else udev.KERNEL)
        deadline = time.monotonic() + self._seconds
        while missing := _wrong(missing, gone):
            left = deadline - time.monotonic()
            if left <= 0:
                state = "still there" if gone else "not there"
                raise DeviceFailed(f"{state} after {self._seconds:g} s: {', '.join(missing)}")
            # without udevd libdevmapper makes a mapping's node, and there is no event
            events.until(lambda _event: True, min(left, 1.0))

    def settle(self, name: str) -> None:
        """As in Devices."""
        block = _find(name)
        if block is not None:
            udev.settle([block.path], self._seconds)

    def release(self) -> None:
        """Do nothing: no device was attached."""


@contextmanager
def _private_node(disk: sysfs.Block) -> Iterator[str]:
    """A second device node for a disk during the block.

    udevd watches the usual node. When a writer closes that node, udevd makes the kernel read the table again
    (BLKRRPART), and all partitions disappear for a moment, while another program may already use them.
    """
    path = f"/dev/.provision-{os.path.basename(disk.node)}"
    with suppress(FileNotFoundError):
        os.unlink(path)
    os.mknod(path, stat.S_IFBLK | 0o600, os.stat(disk.node).st_rdev)
    try:
        yield path
    finally:
        os.unlink(path)


def _wrong(wanted: Sequence[str], gone: bool) -> list[str]:
    return [name for name in wanted if (_find(name) is None) != gone]


def _used(block: sysfs.Block) -> str:
    """Why a device may not be written; empty if it may. Its partitions, which are mappings, do not count as users."""
    if not block.mapper:
        return sysfs.used_by(block, *sysfs.partitions(block).values())
    parts = mappings.partitions(block).values()
    other = next((one for one in sysfs.holders(block) if one not in parts), None)
    held = f"{block.node} is held by {other.mapper or other.node}" if other else ""
    return held or sysfs.mounted(block) or next(filter(None, map(sysfs.used_by, parts)), "")


def _required(name: str) -> sysfs.Block:
    block = _find(name)
    if block is None:
        raise DeviceFailed(f"there is no device {name}")
    return block


def _find(name: str) -> sysfs.Block | None:
    block = sysfs.find(name) or mappings.find(name)
    if block is None and not udev.running() and name.startswith("/dev/disk/by-"):
        return _find_by_contents(name)
    return block


def _find_by_contents(name: str) -> sysfs.Block | None:
    """The device for the name of a udev link, found by tables and signatures, for systems without udevd.

    A disk that cannot be read is skipped, as udev does.
    """
    if name.startswith(BY_MAPPING):
        return sysfs.find("/dev/mapper/" + name.removeprefix(BY_MAPPING))
    for block in sysfs.every():
        try:
            found = _named(block, name) if _is_readable(block) else None
        except (OSError, Failure):
            continue  # another program has just removed it
        if found is not None:
            return found
    return None


def _named(block: sysfs.Block, name: str) -> sysfs.Block | None:
    """The device or its partition that gets that name from its contents (label, UUID); None if neither does."""
    if name.startswith(BY_CONTENTS):
        return block if name in of_signature(signatures.probe(block.node)) else None
    if block.is_partition:
        return None
    numbers = (one.number for one in _table(block).partitions if name in of_partition(one))
    return next((sysfs.partitions(block).get(number) for number in numbers), None)


def _is_readable(block: sysfs.Block) -> bool:
    try:
        os.close(os.open(block.node, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _table(block: sysfs.Block) -> PartitionTable:
    return tables.read(block.node, block.size, block.sector)
