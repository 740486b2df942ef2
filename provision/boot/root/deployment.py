"""A deployment of OSTree as the root: where nothing can be written, and /var, which all deployments share.

Source: https://ostreedev.github.io/ostree/deployment/, ostree-prepare-root(1)
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from provision.boot.completion_record import ostree_system
from provision.boot.first_boot import root_device
from provision.config.format import Config
from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.kernel_command_line import last_value
from provision.planning.actions import Wave
from provision.planning.machine_view import MachineView
from provision.planning.root.target_paths import Statuses, Unresolvable, resolve_path
from provision.planning.stage import Stage
from provision.system import mount_table, mounts

SETTINGS = ("/etc/ostree/prepare-root.conf", "/usr/lib/ostree/prepare-root.conf")
"""Settings of the deployment in the initramfs; only the first one that exists counts."""


def mount_var(root: str, command_line: str) -> None:
    """Mount the /var that all deployments share, as the real root does later. Raises MountFailed.

    It does nothing if the root is no deployment, or if the distribution has mounted it.
    """
    path = f"{root}/var"
    system = ostree_system(command_line)
    if system and mount_table.at(path) is None:
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
    with mounted_drive(device, last_value(command_line, "rootfstype") or "auto") as disk:
        # the argument names a link to the deployment
        folder = os.path.realpath(disk + (last_value(command_line, "ostree") or ""))
        if not folder.startswith(f"{disk}/") or not os.path.isdir(folder):
            return ()
        problems = tuple(refusals(config, GuardedTree(folder), transient=_is_transient()))

    def check(_config: Config, _view: MachineView) -> Iterator[Wave]:
        if problems:
            raise PlanRefused(problems)
        yield from ()

    return (Stage("deployment", (check,)),)


def refusals(config: Config, tree: Statuses, *, transient: bool = False) -> Iterator[Problem]:
    """A problem for each path of the config that is read-only in the deployment.

    That is /usr, where links do not lead elsewhere, and new names in / unless that is `transient` (an overlay).
    """
    for place, path in _paths(config):
        try:
            resolved = resolve_path(tree, path)
        except Unresolvable:
            continue  # the files stage reports it
        top = resolved.split("/")[1]
        if top == "usr":
            yield Problem(
                place,
                f"{path} is on /usr, which is read-only in a deployment of OSTree",
                hint="write below /etc or /var, or make it a part of the image",
                rule="read-only-usr",
            )
        elif not transient and top and tree.file_status(f"/{top}") is None:
            yield Problem(
                place,
                f"there is no /{top} in this deployment of OSTree, and nothing can be made in its /",
                hint="write below /etc or /var, or make the directory a part of the image",
                rule="read-only-root",
            )


def _paths(config: Config) -> Iterator[tuple[Path, str]]:
    """What the config makes, with its place in the config."""
    storage = config.storage
    kinds: Sequence[tuple[str, Sequence[str | None]]] = (
        ("files", [one.path for one in storage.files]),
        ("directories", [one.path for one in storage.directories]),
        ("links", [one.path for one in storage.links]),
        ("filesystems", [one.path for one in storage.filesystems]),
    )
    for kind, paths in kinds:
        yield from ((("storage", kind, index, "path"), path) for index, path in enumerate(paths) if path)
    for index, user in enumerate(config.passwd.users):
        if user.home_dir and user.should_exist is not False and not user.no_create_home:
            yield ("passwd", "users", index, "homeDir"), user.home_dir


def _is_transient() -> bool:
    """Whether / of the deployment is an overlay that holds changes until the next boot."""
    for path in SETTINGS:
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                return makes_transient(file.read())
    return False


def makes_transient(settings: str) -> bool:
    """Whether the text of ostree-prepare-root.conf sets `transient` in its section `root`."""
    section = value = ""
    for line in settings.splitlines():
        if line.strip().startswith("["):
            section = line.strip()
        name, _, text = line.partition("=")
        if section == "[root]" and name.strip() == "transient":
            value = text.strip()
    return value in {"true", "1"}
