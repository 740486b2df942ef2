"""Copies of the file system that shall have the record: one of them may be the root of a machine in use.

Two devices with the same label or UUID, such as a disk and a fresh copy of its image, claim the same name in /dev/disk.
udev gives it to one of them, and which one may change from boot to boot (udev(7), `link_priority`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from provision.boot.records.completion_record import Place
from provision.boot.records.content import is_begun, owner_of
from provision.failures import Failure, FetchFailed
from provision.planning.machine_view import Signature
from provision.system.block import signatures, sysfs
from provision.system.running_system.local_system import LocalSystem


def check_copies(device: str, places: Sequence[Place], machine: str, running_system: LocalSystem) -> None:
    """Raise Failure if a copy of the file system on a device has a finished record of this machine."""
    disks = signatures.on_disks(sysfs.every())
    if node := recorded_copy(device, places, disks, machine, running_system):
        raise Failure(
            f"there is no record on {device} ({os.path.realpath(device)}), but {node}, with the same label or UUID, has"
            " one of this machine: it is unknown which of them is in use",
            hint="detach one of them, or give it another label and UUID; ignition.firstboot on the kernel command line"
            " provisions in any case",
        )


def recorded_copy(
    device: str,
    places: Sequence[Place],
    disks: Iterable[tuple[str, Signature | None]],
    machine: str,
    running_system: LocalSystem,
) -> str:
    """The node of another device with the same label or UUID and a finished record of this machine; else empty.

    `disks` are the nodes of all devices, and what is on them; `machine` is the identity of this machine. Raises OSError
    or ProbeFailed if the device itself cannot be looked at.
    """
    own = signatures.probe(device)
    for node, found in disks:
        if found is None or os.path.realpath(node) == os.path.realpath(device):
            continue
        same = (found.label and found.label == own.label) or (found.uuid and found.uuid == own.uuid)
        if same and any(_is_recorded(node, place, machine, running_system) for place in places):
            return node
    return ""


def _is_recorded(node: str, place: Place, machine: str, running_system: LocalSystem) -> bool:
    try:
        record = running_system.read_from(node, place.path, options=place.options)
    except FetchFailed:
        return False  # a path of the same disk, which multipathd has taken, or a member of an array
    if record is None or is_begun(record):
        return False
    return not machine or owner_of(record) in {"", machine}
