"""Opens each image of a command line as a raw file; says which formats are accepted and which are refused."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from provision.commands.targets.images.disk_options import DiskImage
from provision.commands.targets.target import Target
from provision.config.problems import Problem
from provision.failures import Failure, PlanRefused
from provision.system.images import qemu
from provision.system.images.formats import DRIVERS, EMPTY, RAW, check_qcow2, image_format
from provision.system.images.unfinished_images import new_format
from provision.system.images.workspace import Workspace

_HINTS = {
    "a vmdk image for transport (streamOptimized)": "qemu-img convert -O vmdk makes one that can be changed",
    "a vmdk image in several files": "qemu-img convert -O vmdk makes one file of it",
    "a qcow image of version 1": "qemu-img convert -O qcow2 makes one of today's version",
    "an ISO 9660 image": "it is an installation medium and not a disk; use a disk image of the system",
}
"""What to do about a format that is refused."""


def formats_of(disks: Sequence[DiskImage], *, overwrite: bool) -> dict[str, str]:
    """The format of the image of each device: a key of `DRIVERS`, or raw.

    With `overwrite` every file of an unknown format counts as a raw image. Raises PlanRefused with all refused images.
    """
    refused: list[Failure] = []
    found: dict[str, str] = {}
    for disk in disks:
        try:
            found[disk.device] = _format(disk, overwrite=overwrite)
        except (Failure, OSError) as failure:
            refused.append(failure if isinstance(failure, Failure) else _unreadable(disk.image, failure))
    if refused:
        raise PlanRefused([Problem((), one.message, hint=one.hint, rule="image-format") for one in refused])
    return found


def _unreadable(image: str, error: OSError) -> Failure:
    return Failure(f"{image}: {error.strerror}", hint="plan needs to read the image, apply to write to it")


def _format(disk: DiskImage, *, overwrite: bool) -> str:
    name = new_format(disk.image) if disk.size is not None else image_format(disk.image)
    if name in DRIVERS:
        qemu.check_installed(disk.image, name)
        if disk.size is None:
            check_qcow2(disk.image)
            qemu.check_unused(disk.image, name)
        return name
    if name not in {RAW, EMPTY} and not overwrite:
        taken = f"raw, {', '.join(DRIVERS)}"
        raise Failure(f"{disk.image}: is {name}; images can be {taken}", hint=_hint(name))
    return RAW


def _hint(name: str) -> str:
    remedy = "unpack it first" if name.endswith((" data", " archive")) else "give the path of a disk image"
    return f"{_HINTS.get(name, remedy)}; apply --force overwrites what is in the file"


def raw_files(
    disks: Sequence[DiskImage], formats: dict[str, str], target: Target, place: Workspace, *, changing: bool
) -> Iterator[tuple[str, str]]:
    """Each device with the path of its image as a raw file. Raises Failure.

    New images, and images in formats of virtual machines, are changed under a temporary name. Images that a plan cannot
    read are added to `target.unseen`.
    """
    for disk in disks:
        name = formats[disk.device]
        if disk.size is not None:
            yield disk.device, _new(disk, name, target, place, changing=changing)
            continue
        target.in_place = True
        if name == RAW:
            yield disk.device, disk.image
        elif changing:
            yield disk.device, target.images.view(target.images.copy(disk.image), name, place.views, writable=True)
        elif place.own:
            yield disk.device, target.images.view(disk.image, name, place.views, writable=False)
        else:
            hint = "run it as root, or allow user namespaces"
            raise Failure(f"{disk.image}: a {name} image can only be read in a private mount namespace", hint=hint)


def _new(disk: DiskImage, name: str, target: Target, place: Workspace, *, changing: bool) -> str:
    size = disk.size or 0
    if not changing:
        target.notes.append(f"{disk.image} would be made, {size >> 20} MiB, {name}")
        return target.images.make(disk.image, size, folder=place.views)
    _check_folder(disk.image)
    path = target.images.make(disk.image, size, name)
    return path if name == RAW else target.images.view(path, name, place.views, writable=True)


def _check_folder(image: str) -> None:
    folder = os.path.dirname(image) or "."
    if not os.path.isdir(folder):
        raise Failure(f"{image}: there is no folder {folder}", hint="make it first")
