"""Disk images that take the place of the config's devices.

A name is looked up only in the tables and signatures of the images, so no name leads to a disk of this machine. Tables
and signatures are read from the image files, which needs no rights and no loop device. Each disk or partition that a
program works on gets a loop device of its own, with offset and size, so neither partition support in the kernel nor
udev is needed. Mappings and arrays that are built only on these loop devices are found through the kernel.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from provision.planning.device_names import BY_CONTENTS, kernel_partition, of_partition, of_signature
from provision.planning.machine_view import Device, LuksHeader, PartitionEntry, PartitionTable, Signature
from provision.system import mount_table
from provision.system.block import built_devices, loops, luks_header, signatures, sysfs
from provision.system.block.devices import DeviceFailed
from provision.system.block.kernel_devices import KernelDevices
from provision.system.block.loops import Loop
from provision.system.block.partitions import libparted, tables

_CLAIM_SECONDS = 2.0


class Image(NamedTuple):
    """A disk image: a regular file, and the size of its logical sectors in bytes."""

    path: str
    sector: int = 512


class _Region(NamedTuple):
    """The part of an image that is one device: the whole disk or a partition. `offset` and `size` are in bytes."""

    name: str
    disk: str
    offset: int
    size: int


class ImageDevices:
    """Devices in disk images. `images` maps the names of disks in the config to the images."""

    temporary = True

    def __init__(self, images: Mapping[str, Image]) -> None:
        self._images = dict(images)
        self._claimed: set[str] = set()
        self._loops: dict[_Region, Loop] = {}
        self._kernel = KernelDevices()
        self._lock = threading.Lock()

    def device(self, name: str) -> Device | None:
        """A disk by its name in the config, a partition by any of its names, or a device that is built on them.

        Sizes are bytes. None if there is no such device. Raises OSError, TableFailed, ProbeFailed.
        """
        region = self._find(name)
        if region is None:
            above = self._find_built(name)
            return self._kernel.device(above) if above else None
        return Device(region.name, region.size, self._images[region.disk].sector, self._in_use(region))

    def table(self, name: str) -> PartitionTable:
        """As in Devices, read from the image; a partition has no table."""
        where = self._resolve(name)
        if isinstance(where, str):
            return self._kernel.table(where)
        image = self._images[where.disk]
        return (
            PartitionTable("", sector=image.sector)
            if where.offset
            else tables.read(image.path, where.size, image.sector)
        )

    def signature(self, name: str) -> Signature:
        """As in Devices, read from the image."""
        where = self._resolve(name)
        return self._kernel.signature(where) if isinstance(where, str) else self._probe(where)

    def luks_header(self, name: str) -> LuksHeader | None:
        """As in Devices, read from the image."""
        where = self._resolve(name)
        if isinstance(where, str):
            return self._kernel.luks_header(where)
        block = self._block(where)
        return luks_header.read(self._images[where.disk].path, where.offset, sysfs.opened_as(block) if block else "")

    def location(self, name: str) -> tuple[str, int, int, int] | None:
        """Where a disk or partition is: the image's path, offset and size in bytes, and the size of a sector.

        None for a device that is built on them. Raises DeviceFailed if the images have no such device.
        """
        where = self._resolve(name)
        if isinstance(where, str):
            return None
        image = self._images[where.disk]
        return image.path, where.offset, where.size, image.sector

    def node(self, name: str) -> str:
        """The loop device for it, attached at the first call. Raises DeviceFailed."""
        where = self._resolve(name)
        if isinstance(where, str):
            return self._kernel.node(where)
        with self._lock:
            loop = self._loops.get(where)
            if loop is None:
                image = self._images[where.disk]
                self._check_unused(image.path)
                loop = self._loops[where] = Loop(image.path, where.offset, where.size, image.sector)
            return loop.node

    def _check_unused(self, path: str) -> None:
        """Raises DeviceFailed if another loop device uses the image, as after a killed run whose program still runs."""
        if path in self._claimed:
            return
        deadline = time.monotonic() + _CLAIM_SECONDS
        while (other := loops.attached_to(path)) and time.monotonic() < deadline:
            time.sleep(0.01)  # there is no event when the last user closes it
        if other:
            raise DeviceFailed(f"{path} is in use by {other}", hint=f"see `losetup --list`; losetup --detach {other}")
        self._claimed.add(path)

    def name(self, source: str) -> str:
        """The name of the disk or partition whose loop device is `source`; `source` itself for any other device.

        Raises OSError, ProbeFailed.
        """
        region = next((one for one, loop in self._attached() if loop.node == source), None)
        return region.name if region else self._find_built(source) or source

    def write_table(self, name: str, table: PartitionTable, *, erase: bool, clear: Sequence[int] = ()) -> None:
        """Write the table through the loop device of the disk; detach loop devices of moved or removed partitions.

        Raises TablesDiffer if libparted reads another table after that; else as in Devices.
        """
        where = self._resolve(name)
        if isinstance(where, str):
            self._kernel.write_table(where, table, erase=erase, clear=clear)
            libparted.check(self._kernel.node(where), table)
            return
        tables.write(self.node(name), table, size=where.size, erase=erase, clear=clear)
        libparted.check(self.node(name), table)
        self.settle(where.disk)
        current = set(self._regions(where.disk))
        with self._lock:
            for region in [one for one in self._loops if one.disk == where.disk and one not in current]:
                self._loops.pop(region).detach()

    def wait(self, names: Sequence[str], *, gone: bool = False) -> None:
        """Wait for devices that programs build on images. Partitions of images exist at once or not at all.

        Raises DeviceFailed.
        """
        self._kernel.wait([name for name in names if built_devices.is_built(name)], gone=gone)
        wrong = [name for name in names if (self.device(name) is None) != gone]
        if wrong and gone:
            raise DeviceFailed(f"still there: {', '.join(wrong)}")
        if wrong:
            raise DeviceFailed(f"in none of the images: {', '.join(wrong)}")

    def settle(self, name: str) -> None:
        """Flush the loop device, so that the image file has everything that a program has written.

        Raises OSError, TableFailed.
        """
        region = self._find(name)
        with self._lock:
            loop = self._loops.get(region) if region else None
            if loop is not None:
                loop.refresh()

    def release(self) -> None:
        """Close the devices that are built on the images, and detach every loop device.

        Raises OSError, after everything is detached, if some data could not be written to an image.
        """
        built_devices.teardown(self._bases())
        with self._lock:
            ours = list(self._loops.values())
            self._loops.clear()
            self._claimed.clear()
        failed: OSError | None = None
        for loop in ours:
            try:
                loop.detach()
            except OSError as error:
                failed = failed or error
        for loop in ours:
            loop.wait_until_gone()
        if failed is not None:
            raise failed

    def _resolve(self, name: str) -> _Region | str:
        """The region of a disk or partition, or the node of a device that is built on images. Raises DeviceFailed."""
        where = self._find(name) or self._find_built(name)
        if where is None:
            raise DeviceFailed(f"{name} is in none of the images")
        return where

    def _find_built(self, name: str) -> str | None:
        block = built_devices.find(name, self._bases())
        return block.node if block else None

    def _attached(self) -> list[tuple[_Region, Loop]]:
        """A copy of the list of attached loop devices, because other threads may attach more."""
        with self._lock:
            return list(self._loops.items())

    def _bases(self) -> set[str]:
        return {loop.node for _, loop in self._attached()}

    def _find(self, name: str) -> _Region | None:
        if name in self._images:
            return self._disk(name)
        found = [region for disk in self._images for region in self._named(disk, name)]
        if len(found) > 1:
            hint = "give one of them another label, or name it by its disk"
            raise DeviceFailed(f"{name} leads to {' and '.join(region.name for region in found)}", hint=hint)
        return found[0] if found else None

    def _named(self, disk: str, name: str) -> Iterator[_Region]:
        """Those of the disk and its partitions that have `name` as one of their other names (labels, UUIDs)."""
        if name.startswith(BY_CONTENTS):
            yield from (one for one in self._regions(disk) if name in of_signature(self._probe(one)))
            return
        for partition in self._partitions(disk):
            own = {kernel_partition(disk, partition.number), f"{disk}-part{partition.number}"}
            if name in own or name in of_partition(partition):
                yield self._region(disk, partition)

    def _regions(self, disk: str) -> list[_Region]:
        """The disk and its partitions."""
        return [self._disk(disk), *(self._region(disk, partition) for partition in self._partitions(disk))]

    def _partitions(self, disk: str) -> tuple[PartitionEntry, ...]:
        image = self._images[disk]
        return tables.read(image.path, self._disk(disk).size, image.sector).partitions

    def _disk(self, disk: str) -> _Region:
        return _Region(disk, disk, 0, os.stat(self._images[disk].path).st_size)

    def _region(self, disk: str, partition: PartitionEntry) -> _Region:
        sector = self._images[disk].sector
        name = kernel_partition(disk, partition.number)
        return _Region(name, disk, partition.start * sector, partition.size * sector)

    def _probe(self, region: _Region) -> Signature:
        return signatures.probe(self._images[region.disk].path, region.offset, region.size)

    def _in_use(self, region: _Region) -> str:
        """Why the device is in use: it or a partition of it is mounted, or a device is built on it. Empty if not."""
        ours = {loop.node: one for one, loop in self._attached() if one.disk == region.disk}
        parts = {node: one for node, one in ours.items() if one == region or not region.offset}
        for entry in mount_table.entries() if parts else ():
            if entry.source in parts:
                return f"{parts[entry.source].name} is mounted at {entry.path}"
        for one in parts.values():
            block = self._block(one)
            above = sysfs.holders(block) if block else []
            if above:
                return f"{one.name} is held by {above[0].mapper or above[0].node}"
        return ""

    def _block(self, region: _Region) -> sysfs.Block | None:
        loop = self._loops.get(region)
        return sysfs.find(loop.node) if loop else None
