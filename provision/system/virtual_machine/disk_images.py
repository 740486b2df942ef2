"""The disks of a virtual machine: copies that leave their base as it is, and blank ones."""

from __future__ import annotations

import os
import re

from provision.failures import ActionFailed, Failure, Usage
from provision.system.images.formats import DRIVERS, EMPTY, RAW, image_format
from provision.system.programs import processes

_SIZE = re.compile(r"[1-9][0-9]{0,6}[KMGT]?")


def check_size(size: str) -> None:
    """Raises Usage for a text that is no size, as 512M or 10G."""
    if not _SIZE.fullmatch(size):
        raise Usage(f"{size} is no size", hint="write it as 512M or 10G")


def overlay(base: str, image: str) -> None:
    """Make an image that has the contents of another one, and takes all writes. Raises Failure."""
    try:
        found = image_format(base)
    except OSError as error:
        raise Failure(f"{base}: {error.strerror}") from None
    if found not in {*DRIVERS, RAW}:
        raise Failure(f"{base}: {'it is empty' if found == EMPTY else f'it is {found}'}, and no disk image")
    backing = ["-F", DRIVERS.get(found, RAW), "-b", os.path.abspath(base)]
    _make(image, [*backing, image])


def blank_disk(image: str, size: str) -> None:
    """Make a blank disk, which takes no room until something is written to it. Raises ActionFailed."""
    _make(image, [image, size])


def _make(image: str, arguments: list[str]) -> None:
    done = processes.run(["qemu-img", "create", "-q", "-f", "qcow2", *arguments])
    if done.status != 0:
        raise ActionFailed(f"making {os.path.basename(image)}", done.last_lines)
