"""The disks of a virtual machine that a config names: which there have to be, so that each has its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from string import ascii_lowercase
from typing import NamedTuple

from provision.config.format import Config

ROOT = "root"
"""The serial number of the disk with the root file system."""

_VIRTIO = "virtio-blk-pci,serial={name}"
_SCSI = "scsi-hd,serial={name}"
_NVME = "nvme,serial={name}"

_NAMES = (
    (re.compile(r"/dev/vd([a-z])[0-9]*"), _VIRTIO),
    (re.compile(r"/dev/sd([a-z])[0-9]*"), _SCSI),
    (re.compile(r"/dev/nvme([0-9])n1(?:p[0-9]+)?"), _NVME),
)
_BY_ID = re.compile(r"/dev/disk/by-id/virtio-([A-Za-z0-9._+:-]{1,20}?)(?:-part[0-9]+)?")
"""The serial number of a virtio disk has at most 20 characters; udev makes the name of it."""

_FILES_OF_OTHERS = ("/dev/disk/by-partlabel/", "/dev/disk/by-label/", "/dev/disk/by-partuuid/", "/dev/disk/by-uuid/")
_BUILT = ("/dev/md", "/dev/mapper/", "/dev/dm-", "/dev/loop")


class Disk(NamedTuple):
    """A disk: its serial number, and the device of qemu, with properties."""

    name: str
    device: str


def disks_of(config: Config) -> tuple[list[Disk], list[str]]:
    """The disks in the order in which the kernel has to find them, the root among them; and names that cannot be had.

    The root takes the first name of a virtio disk that the config does not use. Disks that only fill a gap before a
    name are blank, too.
    """
    used: dict[str, set[str]] = {_VIRTIO: set(), _SCSI: set(), _NVME: set()}
    by_id: list[str] = []
    others: list[str] = []
    for name in dict.fromkeys(_devices(config)):
        found = next(((kind, match[1]) for form, kind in _NAMES if (match := form.fullmatch(name))), None)
        if found is not None:
            used[found[0]].add(found[1])
        elif match := _BY_ID.fullmatch(name):
            by_id.append(match[1])
        elif not name.startswith((*_FILES_OF_OTHERS, *_BUILT)):
            others.append(name)
    root = next(letter for letter in ascii_lowercase if letter not in used[_VIRTIO])
    letters = {*used[_VIRTIO], root}
    virtio = [Disk(ROOT if one == root else f"vd{one}", _VIRTIO) for one in _up_to(letters, ascii_lowercase)]
    scsi = [Disk(f"sd{one}", _SCSI) for one in _up_to(used[_SCSI], ascii_lowercase)]
    nvme = [Disk(f"nvme{one}", _NVME) for one in _up_to(used[_NVME], "0123456789")]
    return [*virtio, *(Disk(one, _VIRTIO) for one in dict.fromkeys(by_id)), *scsi, *nvme], others


def _up_to(used: set[str], names: str) -> str:
    """The names up to the last one that is used."""
    return names[: names.index(max(used)) + 1] if used else ""


def _devices(config: Config) -> Iterator[str]:
    """The devices that a config names."""
    storage = config.storage
    named: Iterable[str | None] = (
        *(disk.device for disk in storage.disks),
        *(device for array in storage.raid for device in array.devices),
        *(volume.device for volume in storage.luks),
        *(one.device for one in storage.filesystems),
    )
    return (name for name in named if name)
