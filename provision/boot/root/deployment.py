"""A deployment of OSTree as the root: what it refuses, and what all deployments share: /var and /boot.

Source: https://ostreedev.github.io/ostree/deployment/, ostree-prepare-root(1)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from provision.boot.first_boot_arguments import ostree_system, root_device
from provision.boot.root.deployment_layout import (
    SETTINGS,
    deployment_folder,
    has_transient_etc,
    layout,
    next_command_line,
    refusals,
)
from provision.boot.run_files import RUN_DIR
from provision.config.format import Config
from provision.config.problems import Problem
from provision.failures import PlanRefused
from provision.kernel_command_line import last_value
from provision.planning.actions import Wave
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage
from provision.system import mount_table, mounts
from provision.system.private_files import read_private, write_private

SHARED = f"{RUN_DIR}/shared"
"""The paths that `mount_shared` has mounted, one in a line: another process unmounts them."""


def mount_shared(root: str, command_line: str, config: Config) -> None:
    """Mount what the real root mounts later: the /var that all deployments share, and /boot. Raises Failure.

    It does nothing if the root is no deployment. It leaves out what is mounted already (OSTree 2025.2 binds /boot in an
    initramfs), and what is a file system of the config: the mount stage mounts that one, and nothing may be below it
    when it is unmounted.
    """
    left_out = {one.path for one in config.storage.filesystems}
    ours = _mounted_here()
    for path, source in _shared(root, command_line).items():
        if path in left_out or mount_table.at(root + path):
            continue
        ours.append(path)
        write_private(SHARED, "\n".join(ours).encode())
        mounts.mount(source, root + path, "none", ["bind"])
        # the mount of the disk, from which it has its options, may be read-only
        mounts.mount("none", root + path, "none", ["remount", "bind", "rw"])
        if os.statvfs(root + path).f_flag & os.ST_RDONLY:
            # with etc.transient, and no rw on the kernel command line, the file system is read-only too
            mounts.mount("none", root + path, "none", ["remount", "rw"])


def unmount_shared(root: str) -> None:
    """Unmount what `mount_shared` has mounted; the real root mounts it again. Raises OSError, and Failure."""
    for path in _mounted_here():
        if mount_table.at(root + path):
            mounts.unmount(root + path)


def _mounted_here() -> list[str]:
    return (read_private(SHARED) or b"").decode().split()


def _shared(root: str, command_line: str) -> dict[str, str]:
    """Mount points of a deployment, each with the directory of the physical root that belongs there.

    Source: boot_mount_generator() in src/libostree/ostree-impl-system-generator.c of OSTree 2026.4, for /boot
    """
    system, physical = ostree_system(command_line), f"{root}/sysroot"
    if not system:
        return {}
    found = {"/var": f"{physical}/ostree/deploy/{system}/var"}
    # else /boot is a file system of its own
    if os.path.islink(f"{physical}/boot/loader") and os.path.isdir(f"{root}/boot"):
        found["/boot"] = f"{physical}/boot"
    return found


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


def warnings(command_line: str, settings: str | None = None) -> Iterator[str]:
    """What a person has to know of the first boot of a deployment: that OSTree does not keep what it wrote.

    `settings` is the text of the initramfs's prepare-root.conf if the caller knows it.
    """
    if ostree_system(command_line) and has_transient_etc(_settings() if settings is None else settings):
        yield (
            "the deployment has a transient /etc (prepare-root.conf): accounts, units and all other files that this"
            " first boot wrote there are gone at the next boot, which is no first boot; turn the setting off, or write"
            " below /var"
        )


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
