"""What `plan` and `apply` work on: disk images in the place of devices, a directory tree, or this machine's devices."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import MappingProxyType
from typing import NamedTuple

from provision.assumed import AssumedRoot
from provision.commands.base_tree import read_base
from provision.config.format import Config
from provision.failures import Failure, PlanRefused, Usage
from provision.observe import Memory, Observe
from provision.stages import PLANNED, Plan, stage_plan
from provision.stages.base import restored, seed
from provision.stages.result import BOOT_ID, NOW, USER_CONFIG
from provision.system.image_devices import Image, ImageDevices
from provision.system.machine import Machine
from provision.system.mounts import keep_to_ourselves

_SIZE = re.compile(r"(\d+)([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Disk(NamedTuple):
    """A device of the config and the image that stands for it; `size` in bytes if the image is to be made."""

    device: str
    image: str
    size: int | None


class Target:
    """Where a config is planned for, or applied to."""

    def __init__(
        self,
        view: Observe,
        machine: Machine | None,
        stages: Sequence[tuple[str, Plan]],
        unreadable: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.view = view
        self.machine = machine
        self.stages = tuple(stages)
        self.unreadable = unreadable
        self.notes: list[str] = []
        self.in_place = False
        self._new: dict[str, str] = {}

    def make(self, image: str, size: int, folder: str | None) -> str:
        """A new image under a temporary name beside it, until `keep`; or in a folder that will go anyway."""
        unfinished = f"{image}.partial" if folder is None else f"{folder}/{len(self._new)}.img"
        _make_sparse(unfinished, size)
        self._new[unfinished] = image
        return unfinished

    def keep(self) -> None:
        """All went well: give new images their names."""
        while self._new:
            unfinished, image = self._new.popitem()
            os.replace(unfinished, image)

    def drop(self) -> None:
        """Remove new images that did not come about."""
        for unfinished in self._new:
            with suppress(FileNotFoundError):
                os.unlink(unfinished)
        self._new.clear()


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """Declare the config and the options that say what it is for."""
    parser.add_argument("config", metavar="CONFIG", help="Ignition config (JSON) or its YAML source; - is stdin")
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="where the YAML source finds local files")
    where = parser.add_argument_group("target")
    where.add_argument(
        "--disk",
        action="append",
        default=[],
        metavar="DEVICE=IMAGE[:SIZE]",
        help="let a device of the config be a disk image; with a size (10G) it is made new; repeatable",
    )
    where.add_argument("--image", metavar="IMAGE", help="disk image for the only disk of the config")
    where.add_argument("--size", metavar="SIZE", help="make the image of --image new, with this size (10G)")
    where.add_argument("--base", metavar="DIR|TAR", help="tree to seed the file system at / with")
    where.add_argument("--root", metavar="DIR", help="work on a directory tree: files, users and units only")


@contextmanager
def open_target(arguments: argparse.Namespace, config: Config, *, changing: bool) -> Iterator[Target]:
    """The target of a command line; everything is released at the end, whatever happens. Raises Failure."""
    _check(arguments)
    with ExitStack() as stack:
        if arguments.root is not None:
            target = _tree(arguments, config, stack)
        elif arguments.disk or arguments.image:
            target = _images(arguments, config, stack, changing=changing)
        elif changing:
            raise Usage("there is nothing to apply to", hint="give --image IMAGE --size SIZE, --disk, or --root DIR")
        else:
            target = _this_machine(config, stack)
        yield target


def _check(arguments: argparse.Namespace) -> None:
    if arguments.root is not None and (arguments.disk or arguments.image or arguments.base):
        raise Usage("--root excludes --disk, --image and --base")
    if arguments.image and arguments.disk:
        raise Usage("--image excludes --disk", hint="name the device: --disk DEVICE=IMAGE")
    if arguments.size and not arguments.image:
        raise Usage(
            "--size needs --image", hint="with --disk the size stands behind the image: --disk DEVICE=IMAGE:10G"
        )


def _tree(arguments: argparse.Namespace, config: Config, stack: ExitStack) -> Target:
    if not os.path.isdir(arguments.root):
        raise Failure(f"{arguments.root}: no such directory", hint="make the tree first, or unpack one there")
    machine = Machine(os.path.abspath(arguments.root), ImageDevices({}), _memory())
    stack.callback(machine.release)
    target = Target(machine, machine, [("files", stage_plan("files"))])
    storage = config.storage
    left = [name for name in ("disks", "raid", "luks", "filesystems") if getattr(storage, name)]
    if left:
        target.notes.append(f"--root applies files, users and units only; left out: storage.{', storage.'.join(left)}")
    return target


def _this_machine(config: Config, stack: ExitStack) -> Target:
    from provision.system.kernel_devices import KernelDevices

    machine = Machine("/", KernelDevices(), {})
    stack.callback(machine.release)
    view = AssumedRoot(machine, config)
    stages = [(name, stage_plan(name)) for name in PLANNED]
    stages.insert(PLANNED.index("files"), ("base", restored))
    target = Target(view, None, stages, view.unreadable)
    target.notes.append("the root is not known: its accounts and files are assumed; --root DIR plans for a tree")
    return target


def _images(arguments: argparse.Namespace, config: Config, stack: ExitStack, *, changing: bool) -> Target:
    disks = _disks(arguments, config)
    _check_config(config, {disk.device for disk in disks})
    if changing and os.geteuid() != 0:
        raise Failure(
            "working on disk images needs root, for loop devices and mounts",
            hint="run it with sudo; `provision plan` and `apply --root` do not need it",
        )
    plans = [("disks", stage_plan("disks")), ("mount", stage_plan("mount"))]
    base = read_base(arguments.base) if arguments.base else None
    plans += [("base", seed(base)), ("files", stage_plan("files")), ("umount", stage_plan("umount"))]
    target = Target(AssumedRoot(None, config), None, plans)
    stack.callback(target.drop)
    root = _mount_point(stack)
    scratch = None if changing else root
    if changing:
        keep_to_ourselves()
    images = {disk.device: Image(_image(disk, target, arguments, scratch)) for disk in disks}
    stack.callback(target.drop)
    machine = Machine(root, ImageDevices(images), _memory())
    stack.callback(machine.release)
    target.view = target.machine = machine
    if config.kernel_arguments.should_exist or config.kernel_arguments.should_not_exist:
        target.notes.append("kernelArguments belong to the boot loader of the running system; left out for images")
    if base is None:
        target.notes.append("no --base was given: / begins with a minimal passwd, group and shadow (root, locked)")
    return target


def _check_config(config: Config, mapped: set[str]) -> None:
    """Refuse what a look at the config shows, before an image is made."""
    storage = config.storage
    missing = [disk.device for disk in storage.disks if disk.device not in mapped]
    if missing:
        hint = " ".join(f"--disk {device}=IMAGE:SIZE" for device in missing)
        raise PlanRefused([f"no image is given for {device}" for device in missing], hint=f"give {hint}")
    files = (*storage.files, *storage.directories, *storage.links)
    needs_root = bool(files) or not (config.passwd.is_empty and config.systemd.is_empty)
    if needs_root and not any(one.path == "/" for one in storage.filesystems):
        raise PlanRefused(
            ["the config mounts no file system at /, so its files would have no place"],
            hint="give a file system the path /, or apply the files to a tree with --root DIR",
        )


def _disks(arguments: argparse.Namespace, config: Config) -> list[Disk]:
    if not arguments.image:
        return [_disk(text) for text in arguments.disk]
    wanted = [disk.device for disk in config.storage.disks]
    if len(wanted) != 1:
        names = ", ".join(wanted) or "none"
        raise Usage(f"--image is for a config with one disk; this one has {names}", hint="use --disk DEVICE=IMAGE")
    return [Disk(wanted[0], arguments.image, _bytes(arguments.size) if arguments.size else None)]


def _disk(text: str) -> Disk:
    device, equals, image = text.partition("=")
    if not equals or not device.startswith("/dev/") or not image:
        raise Usage(f"--disk {text}: not of the form DEVICE=IMAGE[:SIZE]", hint="e.g. --disk /dev/vda=disk.img:10G")
    path, colon, size = image.rpartition(":")
    if colon and _SIZE.fullmatch(size):
        return Disk(device, path, _bytes(size))
    return Disk(device, image, None)


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise Usage(f"{text}: not a size", hint="write e.g. 512M or 10G")
    return int(match[1]) * _UNITS[match[2].upper()]


def _image(disk: Disk, target: Target, arguments: argparse.Namespace, folder: str | None) -> str:
    """The path of the image to work on: an existing one, or a new one under a temporary name."""
    exists = os.path.exists(disk.image)
    if exists and not os.path.isfile(disk.image):
        raise Failure(f"{disk.image}: not a regular file", hint="devices of this machine are out of reach on purpose")
    if disk.size is None:
        if not exists:
            raise Failure(f"{disk.image}: no such image", hint=f"give a size to make it: {_sized(disk, arguments)}")
        target.in_place = True
        return disk.image
    if exists and folder is None and not arguments.force:
        raise Failure(
            f"{disk.image}: exists already", hint="give --force to replace it, or leave the size out to change it"
        )
    if folder is not None:
        target.notes.append(f"{disk.image} would be made, {disk.size >> 20} MiB")
    return target.make(disk.image, disk.size, folder)


def _sized(disk: Disk, arguments: argparse.Namespace) -> str:
    return f"--image {disk.image} --size 10G" if arguments.image else f"--disk {disk.device}={disk.image}:10G"


def _make_sparse(path: str, size: int) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None


def _mount_point(stack: ExitStack) -> str:
    """An empty directory that is only ever removed while it is empty: something may still be mounted there."""
    from tempfile import mkdtemp

    path = mkdtemp(prefix="provision-")
    stack.callback(_remove_empty, path)
    return path


def _remove_empty(path: str) -> None:
    with suppress(OSError):
        os.rmdir(path)


def _memory() -> dict[str, Memory]:
    """What a run starts with: a seed for what is chosen, and what the result file tells."""
    from datetime import UTC, datetime
    from secrets import token_hex

    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    now = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    return {"seed": token_hex(16), BOOT_ID: boot_id, NOW: now, USER_CONFIG: True}
