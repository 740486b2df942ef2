"""A deployment of OSTree as the root: what it refuses, and /var, which all deployments share.

Source: https://ostreedev.github.io/ostree/deployment/, ostree-prepare-root(1)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from provision.boot.completion_record import ostree_system
from provision.boot.first_boot import root_device
from provision.boot.root.deployment_layout import SETTINGS, deployment_folder, layout, next_command_line, refusals
from provision.config.format import Config
from provision.config.problems import Problem
from provision.failures import PlanRefused
from provision.kernel_command_line import last_value
from provision.planning.actions import Wave
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage
from provision.system import mount_table, mounts


def mount_var(root: str, command_line: str, config: Config) -> None:
    """Mount the /var that all deployments share, as the real root does later. Raises MountFailed.

    It does nothing if the root is no deployment, if the distribution has mounted it, or if the config has a file system
    for /var: the mount stage mounts that one, and nothing may be below it when it is unmounted.
    """
    path = f"{root}/var"
    system = ostree_system(command_line)
    if system and mount_table.at(path) is None and all(one.path != "/var" for one in config.storage.filesystems):
        mounts.mount(f"{root}/sysroot/ostree/deploy/{system}/var", path, "none", ["bind"])
        # the mount of the disk, from which it has its options, may be read-only
        mounts.mount("none", path, "none", ["remount", "bind", "rw"])


def unmount_var(root: str, command_line: str) -> None:
    """Unmount the shared /var, because the real root may have a file system of the config there. Raises OSError."""
    if ostree_system(command_line) and mount_table.at(f"{root}/var"):
        mounts.unmount(f"{root}/var")


def checks(config: Config, command_line: str) -> tuple[Stage, ...]:
    """What a simulation has to refuse on a deployment, as a stage without actions; none for other roots.

    Raises FetchFailed if the file system with the deployment cannot be mounted.
    """
    if not ostree_system(command_line):
        return ()
    from provision.system.root.guarded_paths import GuardedTree
    from provision.system.running_system.drives import mounted_drive

    device = root_device(command_line)
    if not os.path.exists(device):
        return ()
    with mounted_drive(device, last_value(command_line, "rootfstype") or "auto") as path:
        disk = GuardedTree(path)
        folder = deployment_folder(disk, command_line)
        if folder is None:
            return ()
        found = layout(disk, folder, next_command_line(command_line, config), _settings())
        return check_stage(tuple(refusals(config, found, mounted_by_units(UNITS))))


def check_stage(problems: tuple[Problem, ...]) -> tuple[Stage, ...]:
    """A stage without actions that refuses a config if it has problems."""

    def check(_config: Config, _view: MachineView) -> Iterator[Wave]:
        if problems:
            raise PlanRefused(problems)
        yield from ()

    return (Stage("deployment", (check,)),)


UNITS = ("/etc/systemd/system", "/run/systemd/system", "/run/systemd/generator", "/usr/lib/systemd/system")
"""The folders of the initramfs that have units (systemd.unit(5))."""


def mounted_by_units(folders: tuple[str, ...]) -> list[str]:
    """Paths of the root on which mount units of these folders mount file systems: /boot for `sysroot-boot.mount`."""
    names = [name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)]
    escaped = [found[1] for name in names if (found := re.fullmatch(r"sysroot-(.+)\.mount", name))]
    return ["/" + re.sub(r"\\x([0-9a-f]{2})", _character, one.replace("-", "/")) for one in escaped]


def _character(code: re.Match[str]) -> str:
    return chr(int(code[1], 16))


def _settings() -> str:
    """The text of the initramfs's prepare-root.conf; empty if there is none."""
    for path in SETTINGS:
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
    return ""
