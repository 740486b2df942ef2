"""The disks stage of a boot whose config makes the root file system anew: its content is kept, later boots find it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from provision.boot.first_boot_arguments import root_device
from provision.boot.root import kept_content
from provision.boot.root.fstab import FSTAB, stale_line
from provision.boot.root.layers import FORMATS, check_layers, kernel_arguments, layers, root_entries, root_flags
from provision.boot.root.replacement import Replacement, replacement
from provision.boot.root.restamp import identifiers, restamp
from provision.config.format import Config, Luks
from provision.engine.history import digest_of
from provision.engine.preflight import Step
from provision.engine.protocols import System
from provision.failures import ActionFailed, Failure
from provision.kernel_command_line import last_value, root_options
from provision.log import Log
from provision.planning.device_names import BY_CONTENTS
from provision.planning.machine_view import MachineView
from provision.stages.kargs import HELPER

ARGUMENT = "provision.root"
"""Kernel argument: `new` if the content of a root file system that the config makes anew is not wanted."""

REBOOT = "PROVISION_KARGS_REBOOT"
"""Environment variable: with `no` our helper does not reboot the machine, because what it writes is for later boots."""


class RootKeeping(NamedTuple):
    """What is known of the root before the disks stage: the device that `root=` names, and the kernel command line."""

    config: Config
    name: str
    command_line: str
    log: Log

    @property
    def options(self) -> str:
        """Options for mounting the root."""
        return ",".join(root_options(self.command_line))

    @property
    def _is_wanted(self) -> bool:
        """Whether the content of the root file system is wanted."""
        return last_value(self.command_line, ARGUMENT) != "new"

    def settled(self, view: MachineView) -> Config:
        """The config for the disks stage. What an interrupted boot of the same config has made for the root stays.

        Raises Failure if that boot stopped while the content of the root file system was in memory.
        """
        if not self._is_wanted or not root_entries(self.config, self.name):
            return self.config
        device = view.device(self.name)
        if device is None or (found := view.signature(device.name)).type not in FORMATS:
            return self.config
        if kept_content.restored_digest(device.name, found.type, self.options) != digest_of(self.config):
            return self.config
        self.log("info", "disks: an interrupted boot has made the root file system already")
        return settled(self.config, self.name)

    @contextmanager
    def during(self, config: Config, steps: Sequence[Step], machine: System) -> Iterator[None]:
        """The block carries out the steps of the disks stage. Raises Failure before it if the machine could not start.

        Afterwards the content is in the new root file system, and the boot loader has the arguments for it. Where a
        distribution fills the root, it also knows what its boot loader needs.
        """
        found = self._replacement(steps, machine)
        is_ours = found is not None or config is not self.config  # the second: it was kept by an interrupted boot
        entries = [entry for _, entry in root_entries(self.config, self.name)] if is_ours else []
        for entry in entries:
            check_layers(self.config, entry.device, machine, self.command_line)
        known = identifiers(self.command_line, self.name)
        if known:
            list(restamp(known, _nodes(), machine))  # what cannot be done is refused now

        def tell_boot_loader() -> None:
            for entry in entries:
                arguments = kernel_arguments(self.config, entry.device, machine, self.command_line)
                set_kernel_arguments([*arguments, *root_flags(entry, machine)], self.log)

        if found is not None:
            settings = kept_content.Settings(self.options, digest_of(self.config), derives_with_memory(config))
            with kept_content.kept_root(found, settings, self.log, tell_boot_loader):
                yield
        else:
            yield
            tell_boot_loader()
        for action in restamp(known, _nodes(), machine) if known else ():
            self.log("info", f"disks: {action.title}")
            machine.apply(action)

    def _replacement(self, steps: Sequence[Step], view: MachineView) -> Replacement | None:
        """The replacement of a root file system with an operating system on it; None if the root stays, or has none."""
        found = replacement(steps, self.name, view) if self._is_wanted else None
        if found is None or found.found.type not in FORMATS:
            return None
        old = kept_content.look(found, self.options)
        if not old.is_system:
            return None
        check(found, self.options, last_value(self.command_line, "rootfstype") or "")
        replaces_fstab = any(file.path == FSTAB for file in self.config.storage.files)
        if not replaces_fstab and (stale := stale_line(old.fstab, found)):
            raise Failure(
                f"{FSTAB} says {stale} for the root file system {found.old.name}, which the config replaces",
                hint="write its label and the type auto there when the image is made, or let the config write it",
            )
        return found


def _nodes() -> list[str]:
    from provision.system.block import sysfs

    return [block.node for block in sysfs.every()]


def derives_with_memory(config: Config) -> bool:
    """Whether a volume of the config is made with Argon2, the default of cryptsetup, which needs much memory."""
    return any("pbkdf2" not in " ".join(volume.options) for volume in config.storage.luks)


def root_keeping(config: Config, command_line: str, log: Log) -> RootKeeping | None:
    """What the disks stage has to know of the root; None if it is not on a device of this machine. Raises Failure."""
    said = last_value(command_line, ARGUMENT)
    if said not in {None, "new"}:
        raise Failure(f"kernel command line: {ARGUMENT}={said} is unknown", hint=f"write {ARGUMENT}=new, or remove it")
    try:
        return RootKeeping(config, root_device(command_line), command_line, log)
    except Failure:
        return None


def check(found: Replacement, options: str, formats: str) -> None:
    """Raise Failure if the machine would not start from the new root file system."""
    discard = f"add {ARGUMENT}=new to the kernel command line if its content is not wanted"
    if found.new is None or found.made is None:
        raise Failure(
            f"the config erases the root file system {found.old.name}, and makes no other one as {found.name}",
            hint=f"give a file system of the config the label or UUID that root= names, or {discard}",
        )
    if not found.lost and found.name.startswith(BY_CONTENTS):
        raise Failure(
            f"{found.name} would name two file systems: {found.new.name}, and {found.old.name}, which stays",
            hint=f"let the config erase {found.old.name}, or choose another label",
        )
    if any(one.startswith("subvol") for one in options.split(",")):
        raise Failure("the root file system is a subvolume, whose content cannot be kept", hint=discard)
    if formats and found.made.type not in formats.split(","):
        raise Failure(
            f"kernel command line: rootfstype={formats}, and the config makes {found.made.type} for the root",
            hint="remove rootfstype= from the settings of the boot loader",
        )


def settled(config: Config, name: str) -> Config:
    """The config without what would make the root file system again: the initramfs has started what it is on.

    The tables of all disks stay: this config has written them.
    """
    storage = config.storage
    entries = [entry for _, entry in root_entries(config, name)]
    opened = [volume for one in entries for _, volume in layers(config, one.device) if isinstance(volume, Luks)]
    return config.changed(
        storage=storage.changed(
            disks=tuple(disk.changed(wipe_table=False) for disk in storage.disks),
            luks=tuple(volume for volume in storage.luks if volume not in opened),
            filesystems=tuple(
                one.changed(wipe_filesystem=False) if one in entries else one for one in storage.filesystems
            ),
        )
    )


def set_kernel_arguments(arguments: Sequence[str], log: Log) -> None:
    """Let the boot loader give these arguments at the next boots. Raises ActionFailed."""
    if not arguments:
        return
    from provision.system.programs import processes

    log("info", f"setting kernel arguments for the next boots: {' '.join(arguments)}")
    wanted = [word for argument in arguments for word in ("--should-exist", argument)]
    os.environ[REBOOT] = "no"
    done = processes.run([HELPER, *wanted])
    if done.status:
        raise ActionFailed("set the kernel arguments of the root file system", done.last_lines)
