"""What `plan` and `apply` work on: disk images in the place of devices, a directory tree, or this machine's devices."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import MappingProxyType

from provision.actions import Wave
from provision.assumed import AssumedRoot
from provision.commands.base_tree import read_base
from provision.commands.confined import check_confined
from provision.commands.images import SECTORS, DiskImage, NewImages, check_existing, claimed, disks, sector_size
from provision.config.format import Config
from provision.failures import Failure, PlanRefused, Usage
from provision.history import FileHistory, History, NoHistory, digest_of, record_path
from provision.memory import BOOT_ID, NOW, SEED, USER_CONFIG
from provision.observe import Memory, Observe
from provision.stages import PLANNED, Plan, stage_plan
from provision.stages.base import restored, seed
from provision.system.enclosure import enclose
from provision.system.image_devices import Image, ImageDevices
from provision.system.machine import Machine


class Target:
    """Where a config is planned for, or applied to."""

    def __init__(
        self,
        view: Observe,
        machine: Machine | None,
        stages: Sequence[tuple[str, Plan]],
        unreadable: Mapping[str, str] = MappingProxyType({}),
        *,
        replace: bool = False,
    ) -> None:
        self.view = view
        self.history: History = NoHistory()
        self.machine = machine
        self.stages = tuple(stages)
        self.unreadable = unreadable
        self.notes: list[str] = []
        self.in_place = False
        self.new = NewImages(replace=replace)


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
    where.add_argument(
        "--sector-size", type=int, choices=SECTORS, default=SECTORS[0], help="of images without a partition table (512)"
    )
    where.add_argument("--base", metavar="DIR|TAR", help="tree to seed the file system at / with")
    where.add_argument("--root", metavar="DIR", help="work on a directory tree: files, users and units only")


@contextmanager
def open_target(arguments: argparse.Namespace, config: Config, *, changing: bool) -> Iterator[Target]:
    """The target of a command line; everything is released at the end, whatever happens. Raises Failure."""
    _check(arguments)
    if changing and os.geteuid() != 0:
        raise Failure(
            "applying a config needs root: for loop devices and mounts, and because files get owners",
            hint="run it with sudo; `provision plan` does not need it",
        )
    with ExitStack() as stack:
        if arguments.root is not None:
            target = _tree(arguments, config, stack, changing=changing)
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


def _tree(arguments: argparse.Namespace, config: Config, stack: ExitStack, *, changing: bool) -> Target:
    if not os.path.isdir(arguments.root):
        raise Failure(f"{arguments.root}: no such directory", hint="make the tree first, or unpack one there")
    if changing:
        stack.enter_context(claimed(arguments.root))
    machine = Machine(os.path.abspath(arguments.root), ImageDevices({}), _memory())
    stack.callback(machine.release)
    target = Target(machine, machine, [("files", _without_devices)])
    left = [name for name in DEVICES if getattr(config.storage, name)]
    if left:
        target.notes.append(f"--root applies files, users and units only; left out: storage.{', storage.'.join(left)}")
    path = record_path(os.path.abspath(arguments.root), machine)
    if changing or os.access(path, os.R_OK):
        _go_on(target, path, FileHistory(path, digest_of(config)))
    return target


DEVICES = ("disks", "raid", "luks", "filesystems")
"""The parts of a config that a tree has no place for."""


def _without_devices(config: Config, observe: Observe) -> Iterator[Wave]:
    storage = config.storage.changed(**dict.fromkeys(DEVICES, ()))
    return stage_plan("files")(config.changed(storage=storage), observe)


def _go_on(target: Target, path: str, history: FileHistory) -> None:
    """Plan on the tree as it was before an earlier run of this config, and do what that has left."""
    target.history, target.view = history, history.view(target.view)
    if history.ended:
        target.stages = ()
        target.notes.append(f"this config has been applied here already; to apply it again, remove {path}")


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
    given = disks(arguments, config)
    refused = [*_mismatches(config, {disk.device for disk in given}), *_confined(config)]
    if refused:
        raise PlanRefused.together(refused)
    replace = changing and arguments.force
    for disk in given:
        exists = check_existing(disk, replace=replace or not changing)
        if exists and changing:
            stack.enter_context(claimed(disk.image))
    base = read_base(arguments.base) if arguments.base else None
    plans = [("disks", stage_plan("disks"))]
    if _has_root(config):
        plans += [("mount", stage_plan("mount")), ("base", seed(base))]
        plans += [("files", stage_plan("files")), ("umount", stage_plan("umount"))]
    target = Target(AssumedRoot(None, config), None, plans, replace=replace)
    if changing:
        enclose()
    root = _mount_point(stack)
    stack.callback(target.new.drop)
    paths = {disk.device: _image(disk, target, "" if changing else root) for disk in given}
    images = {device: Image(path, sector_size(path) or arguments.sector_size) for device, path in paths.items()}
    machine = Machine(root, ImageDevices(images), _memory())
    stack.callback(machine.release)
    target.view = target.machine = machine
    if config.kernel_arguments.should_exist or config.kernel_arguments.should_not_exist:
        target.notes.append("kernelArguments belong to the boot loader of the running system; left out for images")
    if not _has_root(config):
        target.notes.append("the config has no file system at /, so nothing is written but file systems")
    elif base is None:
        target.notes.append("no --base was given: / begins with a minimal passwd, group and shadow (root, locked)")
    return target


def _mismatches(config: Config, mapped: set[str]) -> Iterator[PlanRefused]:
    """What a look at the config shows, before an image is made."""
    storage = config.storage
    missing = [disk.device for disk in storage.disks if disk.device not in mapped]
    if missing:
        hint = " ".join(f"--disk {device}=IMAGE:SIZE" for device in missing)
        yield PlanRefused([f"no image is given for {device}" for device in missing], hint=f"give {hint}")
    files = (*storage.files, *storage.directories, *storage.links, *storage.luks)
    needs_root = bool(files) or not (config.passwd.is_empty and config.systemd.is_empty)
    if needs_root and not _has_root(config):
        yield PlanRefused(
            ["the config mounts no file system at /, so its files, or keys of its volumes, would have no place"],
            hint="give a file system the path /, or apply the files to a tree with --root DIR",
        )


def _has_root(config: Config) -> bool:
    return any(one.path == "/" for one in config.storage.filesystems)


def _confined(config: Config) -> Iterator[PlanRefused]:
    try:
        check_confined(config)
    except PlanRefused as refused:
        yield refused


def _image(disk: DiskImage, target: Target, folder: str) -> str:
    """The path of the image to work on: an existing one, or a new one under a temporary name."""
    if disk.size is None:
        target.in_place = True
        return disk.image
    if folder:
        target.notes.append(f"{disk.image} would be made, {disk.size >> 20} MiB")
    return target.new.make(disk.image, disk.size, folder)


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
    return {SEED: token_hex(16), BOOT_ID: boot_id, NOW: now, USER_CONFIG: True}
