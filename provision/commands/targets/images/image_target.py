"""Disk images as a target: every device name of the config means a disk or partition in an image, or is an error."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress

from provision.commands.targets.images.disk_options import check_existing, disks
from provision.commands.targets.images.earlier_run import OWNER, continue_earlier_run
from provision.commands.targets.images.open_formats import formats_of, raw_files
from provision.commands.targets.images.root_seed import fill_root, read_root_seed
from provision.commands.targets.images.tool_options import check_confined
from provision.commands.targets.target import Target, log_of, starting_state
from provision.config.format import Config
from provision.config.problems import Problem
from provision.engine.history import FileHistory, digest_of, record_path
from provision.failures import PlanRefused
from provision.planning.root.unknown_machine import UnknownMachine
from provision.planning.stage import Stage
from provision.stages import load_stage
from provision.system.block.image_devices import Image, ImageDevices
from provision.system.block.partitions import libparted
from provision.system.images.contents import UnmountedContents
from provision.system.images.device_name_locks import reserved_names
from provision.system.images.formats import DRIVERS
from provision.system.images.unfinished_images import locked_for_run, sector_size
from provision.system.images.workspace import workspace
from provision.system.machine import Machine
from provision.system.root.record_file import RecordFile


def open_images(arguments: argparse.Namespace, config: Config, stack: ExitStack, *, changing: bool) -> Target:
    """Disk images in the place of the config's devices, released with `stack`. Raises Failure."""
    given = disks(arguments, config)
    refused = [*_mismatches(config, {disk.device for disk in given}), *_confined(config)]
    if refused:
        raise PlanRefused.together(refused)
    replace = changing and arguments.force
    for disk in given:
        exists = check_existing(disk, replace=replace or not changing)
        if exists and changing:
            stack.enter_context(locked_for_run(disk.image))
    if changing:
        stack.enter_context(_reserved(config))
    formats = formats_of(given, overwrite=replace)
    base = read_root_seed(arguments.base) if arguments.base else None
    stages = [load_stage("disks")]
    if _has_root(config):
        stages += [load_stage("mount"), Stage("base", (fill_root(base),)), load_stage("files"), load_stage("umount")]
    target = Target(UnknownMachine(None, config), None, stages, replace=replace)
    foreign = any(name in DRIVERS for name in formats.values())
    may_mount = os.geteuid() == 0  # a user namespace does not give the right to mount a device
    place = stack.enter_context(workspace(changing=changing, needs_mounts=foreign))
    stack.callback(target.images.drop)
    paths = raw_files(given, formats, target, place, changing=changing)
    images = {device: Image(path, sector_size(path) or arguments.sector_size) for device, path in paths}
    devices = ImageDevices(images)
    machine = Machine(place.root, devices, starting_state(), place.private, log_of(arguments))
    contents = UnmountedContents(devices, place.mounts, target.unseen, may_mount=may_mount)
    stack.callback(_give_back, machine)
    stack.callback(contents.release)
    target.contents_of, target.stop_looking = contents, contents.release
    target.view = target.machine = machine
    target.open_history = lambda: FileHistory(RecordFile(place.root, record_path(machine)), digest_of(config), OWNER)
    continue_earlier_run(target, config, machine)
    if config.kernel_arguments.should_exist or config.kernel_arguments.should_not_exist:
        target.notes.append("kernelArguments belong to the boot loader of the running system; left out for images")
    if changing and config.storage.disks and not libparted.is_installed():
        target.notes.append(f"partition tables are not read back by libparted: {libparted.REMEDY}")
    if not _has_root(config):
        target.notes.append("the config has no file system at /, so only disks and file systems are made")
    elif base is None and any(disk.size is not None for disk in given):
        target.notes.append("no --base was given: / begins with a minimal passwd, group and shadow (root, locked)")
    return target


def _give_back(machine: Machine) -> None:
    """Release what a failed run still holds. Errors of this are not reported, because the first error is the cause."""
    with suppress(OSError):
        machine.release()


def _reserved(config: Config) -> AbstractContextManager[None]:
    """Reserve the names of volumes and arrays in the config for this run. Raises Failure."""

    def waiting(name: str) -> None:
        print(f"notice: waiting for another run, which builds {name} too", file=sys.stderr, flush=True)

    return reserved_names((one.name for one in config.storage.luks), waiting, arrays=bool(config.storage.raid))


def _mismatches(config: Config, mapped: set[str]) -> Iterator[PlanRefused]:
    """Refusals for what does not fit between config and images, before any image is made."""
    storage = config.storage
    missing = [disk.device for disk in storage.disks if disk.device not in mapped]
    if missing:
        hint = " ".join(f"--disk {device}=IMAGE:SIZE" for device in missing)
        problems = [
            Problem(("storage", "disks", index), f"no image is given for {disk.device}", rule="missing-image")
            for index, disk in enumerate(storage.disks)
            if disk.device in missing
        ]
        yield PlanRefused(problems, hint=f"give {hint}")
    files = (*storage.files, *storage.directories, *storage.links, *storage.luks)
    needs_root = bool(files) or not (config.passwd.is_empty and config.systemd.is_empty)
    if needs_root and not _has_root(config):
        yield PlanRefused(
            [
                Problem(
                    (),
                    "the config mounts no file system at /, but it has files or volume keys to write there",
                    rule="missing-root-filesystem",
                )
            ],
            hint="give a file system the path /, or apply the files to a tree with --root DIR",
        )


def _has_root(config: Config) -> bool:
    return any(one.path == "/" for one in config.storage.filesystems)


def _confined(config: Config) -> Iterator[PlanRefused]:
    try:
        check_confined(config)
    except PlanRefused as refused:
        yield refused
