"""Plans for a tree with a deployment of OSTree refuse what a first boot of it would refuse."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from provision.boot.root.deployment import check_stage
from provision.boot.root.deployment_layout import (
    DEPLOYMENT,
    SETTINGS,
    Files,
    deployment_folder,
    layout,
    next_command_line,
    refusals,
)
from provision.commands.targets.target import Target
from provision.config.format import Config
from provision.system.root.guarded_paths import GuardedTree


def add_deployment_checks(target: Target, root: str, config: Config, *, changing: bool) -> None:
    """Add a stage that refuses what the deployment cannot take, and notes on what is not known. Raises OSError.

    If the tree is to be changed, file systems that are mounted in it can be written; a plan is about a first boot.
    """
    try:
        shown = _deployment(root)
        if shown is None:
            return
        text = next((read for path in SETTINGS if (read := shown.disk.content(shown.folder + path))), b"")
        command_line = next_command_line(shown.command_line, config)
        found = layout(shown.disk, shown.folder, command_line, text.decode(errors="replace"))
        mounted = [path for path in _writable_mounts(root) if path not in found.mounts] if changing else []
        target.preview += check_stage(tuple(refusals(config, found, mounted)))
    except PermissionError as error:
        target.notes.append(f"{root}: what is read-only in this deployment of OSTree is not known: {error.strerror}")
        return
    if shown.is_inside:
        target.notes.append(f"{root} holds deployments of OSTree; --root {root}{shown.folder} plans for the next boot")


class _Deployment(NamedTuple):
    """The physical root, the path of the deployment in it, the kernel command line that boots it.

    `is_inside`: the tree is the physical root, and not the deployment.
    """

    disk: Files
    folder: str
    command_line: str
    is_inside: bool = False


def _deployment(root: str) -> _Deployment | None:
    """The deployment of a tree: one that runs, one on a mounted disk, or the one that such a disk boots next.

    None if the tree has none.
    """
    if os.path.exists(f"{root}/run/ostree-booted") and not os.path.islink(f"{root}/sysroot"):
        disk: Files = GuardedTree(f"{root}/sysroot")
        command_line = (GuardedTree(root).content("/proc/cmdline") or b"").decode(errors="replace")
        folder = deployment_folder(disk, command_line)
        return _Deployment(disk, folder, command_line) if folder else None
    path = os.path.realpath(root)
    if named := re.fullmatch(rf"(.*?)({DEPLOYMENT.pattern})", path):
        disk = GuardedTree(named[1])
        booted = [line for line in _command_lines(disk) if deployment_folder(disk, line) == named[2]]
        return _Deployment(disk, named[2], (booted or ["rw"])[0])
    if os.path.isdir(f"{root}/ostree/deploy") and not os.path.lexists(f"{root}/usr"):
        disk = GuardedTree(root)
        for line in _command_lines(disk):
            if folder := deployment_folder(disk, line):
                return _Deployment(disk, folder, line, is_inside=True)
    return None


def _writable_mounts(root: str) -> list[str]:
    """The directories in / of a tree that are mount points of file systems that can be written."""
    paths = [f"{root}/{name}" for name in os.listdir(root)]
    mounted = [path for path in paths if os.path.ismount(path) and not os.statvfs(path).f_flag & os.ST_RDONLY]
    return [f"/{os.path.basename(path)}" for path in mounted]


def _command_lines(disk: Files) -> Iterator[str]:
    """The kernel command lines of the boot loader's entries, first that of the next boot."""
    folder = "/boot/loader/entries"
    for name in sorted(disk.children(folder), reverse=True):
        entry = (disk.content(f"{folder}/{name}") or b"").decode(errors="replace")
        yield from re.findall(r"^options\s+(.*)", entry, re.MULTILINE)
