"""Disk images in the place of the config's devices: every name leads into an image, or nowhere.

Names are answered from the images' own tables and signatures, read from the files themselves, so looking needs no
rights and no loop device. A device that a program has to work on becomes a loop device of its own, partitions with
offset and size: no partition support in the kernel, no udev, and no way to the disks of this machine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from provision.observe import Device, Partition, Signature, Table, Volume
from provision.system import luks, mounts, names, signatures, sysfs, tables
from provision.system.devices import DeviceFailed, partition_name
from provision.system.loops import Loop


class Image(NamedTuple):
    """A disk image: a regular file, and the size of its logical sectors in bytes."""

    path: str
    sector: int = 512


class _Region(NamedTuple):
    """The part of an image that is one device: the whole disk, or a partition. `offset` and `size` are in bytes."""

    name: str
    disk: str
    offset: int
    size: int


class ImageDevices:
    """`images` has the disks by their names in the config."""

    borrowed = True

    def __init__(self, images: Mapping[str, Image]) -> None:
        self._images = dict(images)
        self._loops: dict[_Region, Loop] = {}
        self._lock = threading.Lock()

    def device(self, name: str) -> Device | None:
        """A disk by its name in the config, a partition by any of its names."""
        region = self._find(name)
        if region is None:
            return None
        return Device(region.name, region.size, self._images[region.disk].sector, self._in_use(region))

    def table(self, name: str) -> Table:
        """Read from the image; a partition has none."""
        region = self._required(name)
        image = self._images[region.disk]
        return tables.read(image.path, region.size, image.sector) if not region.offset else Table("")

    def signature(self, name: str) -> Signature:
        """Read from the image."""
        region = self._required(name)
        return self._probe(region)

    def volume(self, name: str) -> Volume | None:
        """Read from the image."""
        region = self._required(name)
        return luks.read(self._images[region.disk].path, region.offset, self._opened_as(region))

    def node(self, name: str) -> str:
        """The loop device for it, attached at the first call."""
        region = self._required(name)
        with self._lock:
            loop = self._loops.get(region)
            if loop is None:
                loop = self._loops[region] = Loop(
                    self._images[region.disk].path, region.offset, region.size, self._images[region.disk].sector
                )
            return loop.node

    def name(self, source: str) -> str:
        """The name of the disk or partition that a loop device of ours stands for."""
        return next((region.name for region, loop in self._loops.items() if loop.node == source), source)

    def write_table(self, name: str, table: Table, *, erase: bool) -> None:
        """Write it through the disk's loop device; loop devices of partitions that moved or went are detached."""
        disk = self._required(name)
        node = self.node(name)
        tables.write(node, table, size=disk.size, erase=erase)
        self.settle(disk.disk)
        current = set(self._regions(disk.disk))
        with self._lock:
            for region in [one for one in self._loops if one.disk == disk.disk and one not in current]:
                self._loops.pop(region).detach()

    def wait(self, names: Sequence[str], *, gone: bool = False) -> None:
        """Nothing appears in an image by itself."""
        wrong = [name for name in names if (self._find(name) is None) != gone]
        if wrong and gone:
            raise DeviceFailed(f"still there: {', '.join(wrong)}")
        if wrong:
            raise DeviceFailed(f"in none of the images: {', '.join(wrong)}")

    def settle(self, name: str) -> None:
        """Bring what a program wrote into the image, where the next look reads it."""
        region = self._find(name)
        with self._lock:
            loop = self._loops.get(region) if region else None
            if loop is not None:
                loop.refresh()

    def release(self) -> None:
        """Detach every loop device."""
        with self._lock:
            while self._loops:
                self._loops.popitem()[1].detach()

    def _required(self, name: str) -> _Region:
        region = self._find(name)
        if region is None:
            raise DeviceFailed(f"{name} is in none of the images")
        return region

    def _find(self, name: str) -> _Region | None:
        if name in self._images:
            return self._disk(name)
        return next((region for disk in self._images for region in self._named(disk, name)), None)

    def _named(self, disk: str, name: str) -> Iterator[_Region]:
        """The disk itself or its partitions, where `name` is one of their further names."""
        if names.asks_for_signature(name):
            yield from (one for one in self._regions(disk) if name in names.of_signature(self._probe(one)))
            return
        for partition in self._partitions(disk):
            own = {partition_name(disk, partition.number), f"{disk}-part{partition.number}"}
            if name in own or name in names.of_partition(partition):
                yield self._region(disk, partition)

    def _regions(self, disk: str) -> list[_Region]:
        """The disk and its partitions."""
        return [self._disk(disk), *(self._region(disk, partition) for partition in self._partitions(disk))]

    def _partitions(self, disk: str) -> tuple[Partition, ...]:
        image = self._images[disk]
        return tables.read(image.path, self._disk(disk).size, image.sector).partitions

    def _disk(self, disk: str) -> _Region:
        return _Region(disk, disk, 0, os.stat(self._images[disk].path).st_size)

    def _region(self, disk: str, partition: Partition) -> _Region:
        sector = self._images[disk].sector
        name = partition_name(disk, partition.number)
        return _Region(name, disk, partition.start * sector, partition.size * sector)

    def _probe(self, region: _Region) -> Signature:
        return signatures.probe(self._images[region.disk].path, region.offset, region.size)

    def _opened_as(self, region: _Region) -> str:
        loop = self._loops.get(region)
        block = sysfs.find(loop.node) if loop else None
        return sysfs.opened_as(block) if block else ""

    def _in_use(self, region: _Region) -> str:
        """Where it, or a part of it, is mounted."""
        ours = {loop.node: one for one, loop in self._loops.items() if one == region or not region.offset}
        for entry in mounts.entries():
            one = ours.get(entry.source)
            if one is not None and one.disk == region.disk:
                return f"{one.name} is mounted at {entry.path}"
        return ""
