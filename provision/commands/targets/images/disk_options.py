"""Disk images on a command line: which image takes the place of which device, and which images are new."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from provision.config.format import Config
from provision.failures import Failure, Usage

SMALLEST, LARGEST = 1 << 20, 1 << 50
"""Bytes of the smallest and the largest image: a partition table has to fit, and file systems have a maximal size."""

_SIZE = re.compile(r"([0-9]{1,15})([KMGT]?)(?:i?B)?", re.IGNORECASE)

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class DiskImage(NamedTuple):
    """A device of the config and the image that takes its place; `size` in bytes for a new image, else None."""

    device: str
    image: str
    size: int | None


def disks(arguments: argparse.Namespace, config: Config) -> list[DiskImage]:
    """The devices and images of a command line. Raises Usage."""
    if not arguments.image:
        return _distinct([_disk(text) for text in arguments.disk])
    wanted = [disk.device for disk in config.storage.disks]
    if not wanted:
        raise Usage(
            "--image is the only disk of a config, and this one has no disk under storage.disks",
            hint="write the disk and its file systems, or use --root DIR for files, users and units alone",
        )
    if len(wanted) > 1:
        raise Usage(
            f"--image is the only disk of a config, and this one has {', '.join(wanted)}",
            hint="use --disk DEVICE=IMAGE for each of them",
        )
    return [DiskImage(wanted[0], arguments.image, _bytes(arguments.size) if arguments.size else None)]


def check_existing(disk: DiskImage, *, replace: bool) -> bool:
    """Whether the image exists. Raises Failure if it is missing, exists but must be new, or is not a regular file."""
    exists = os.path.exists(disk.image)
    inside = disk.image.startswith(("/dev/", "/proc/")) and not disk.image.startswith("/dev/shm/")  # noqa: S108 - only compared
    if inside or (exists and not os.path.isfile(disk.image)):
        raise Failure(
            f"{disk.image}: not a regular file", hint="devices of this machine are never changed; give an image file"
        )
    if disk.size is None and not exists:
        hint = f"give a size to make it: --size 10G, or --disk {disk.device}={disk.image}:10G"
        raise Failure(f"{disk.image}: no such image", hint=hint)
    if disk.size is not None and exists and not replace:
        hint = "give --force to replace it, or leave the size out to change it"
        raise Failure(f"{disk.image}: exists already", hint=hint)
    return exists


def _distinct(found: list[DiskImage]) -> list[DiskImage]:
    """The same disks. Raises Usage if two devices have the same image, or one device has two images."""
    _check_distinct("--disk", ((disk.device, disk.device) for disk in found))
    _check_distinct("image", ((disk.image, _identity(disk.image)) for disk in found))
    return found


def _check_distinct(what: str, given: Iterable[tuple[str, object]]) -> None:
    seen: set[object] = set()
    for name, identity in given:
        if identity in seen:
            raise Usage(f"{what} {name} is given twice", hint="each device has one image, and each image is one device")
        seen.add(identity)


def _identity(path: str) -> object:
    """A value that is equal for all names of one file, also for symbolic and hard links."""
    try:
        status = os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _disk(text: str) -> DiskImage:
    device, equals, image = text.partition("=")
    if not equals or not device.startswith("/dev/") or not image:
        raise Usage(f"--disk {text}: not of the form DEVICE=IMAGE[:SIZE]", hint="e.g. --disk /dev/vda=disk.img:10G")
    path, colon, size = image.rpartition(":")
    if colon and _SIZE.fullmatch(size):
        return DiskImage(device, path, _bytes(size))
    return DiskImage(device, image, None)


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text)
    size = int(match[1]) * _UNITS[match[2].upper()] if match else 0
    if not SMALLEST <= size <= LARGEST:
        raise Usage(f"{text}: not a size", hint="write e.g. 512M or 10G; at least 1M")
    return size
