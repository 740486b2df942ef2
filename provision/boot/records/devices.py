"""The device that may hold the record: waiting for it, and what it and other disks hold."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from provision.system.running_system.local_system import LocalSystem

if TYPE_CHECKING:
    from provision.system.block.sysfs import Block

LONG = 5.0
"""Seconds of waiting after which a message is shown on the consoles."""


def wait_for_device(device: str, seconds: float, running_system: LocalSystem) -> bool:
    """Wait for a device, which the consoles show after a while. Returns whether it is there."""
    from provision.system import consoles

    began, said = time.monotonic(), False
    while not _is_there(device):
        waited = time.monotonic() - began
        if waited >= seconds:
            return False
        if waited >= LONG and not said:
            said = True
            text = f"provision: waiting for the device {device}, {seconds - waited:.0f} s more"
            print(text, flush=True)
            consoles.show(text)
        running_system.await_change(min(seconds - waited, 1.0))
    return True


def _is_there(device: str) -> bool:
    """Whether a device has content. An array whose members are not all there yet has a node, but no size."""
    from provision.system.block import sysfs

    block = sysfs.find(device)
    return os.path.exists(device) if block is None else block.size > 0


def first_signature(blocks: Iterable[Block]) -> str:
    """`NODE holds TYPE` for the first disk with a signature that is not a config drive; empty if there is none.

    A disk that cannot be read counts, because it may hold anything.
    """
    from provision.fetch.platforms.drives import CONFIG_DRIVES
    from provision.system.block import signatures

    for node, found in signatures.on_disks(blocks):
        if found is None:
            return f"{node} cannot be read"
        if found.type and (found.label or "").lower() not in CONFIG_DRIVES:
            return f"{node} holds {found.type}"
    return ""


def has_file_system(device: str) -> bool:
    """Whether a device has a file system that can hold a record."""
    from provision.system.block import signatures

    found = signatures.probe(os.path.realpath(device))
    return bool(found.type) and not found.unfinished  # an interrupted mkfs left nothing that could hold a record
