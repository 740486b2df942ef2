"""Which paths of a deployment of OSTree a first boot can write, by the mounts that ostree-prepare-root will make.

Source: ostree-prepare-root(1) and src/switchroot/ostree-prepare-root.c of OSTree 2022.7, 2025.2 and 2026.4
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from provision.config.format import Config
from provision.config.problems import Path, Problem
from provision.kernel_command_line import arguments, last_value, root_options
from provision.planning.machine_view import FileStatus, FileType
from provision.planning.root.target_paths import Statuses, Unresolvable, depth, followed, resolve_path

SETTINGS = ("/etc/ostree/prepare-root.conf", "/usr/lib/ostree/prepare-root.conf")
"""Settings of the deployment; only the first one that exists counts. The initramfs has a copy."""

DEPLOYMENT = re.compile(r"/ostree/deploy/[^/]+/deploy/[^/]+")
"""The path of a deployment in the physical root."""

TRUE = frozenset({"true", "1"})
"""Values that turn a setting on."""

COMPOSEFS = frozenset({"true", "1", "yes", "signed", "verity"})
"""Values of `composefs.enabled` that require composefs: a deployment without its image does not boot with them."""

ELSEWHERE = "write below /etc or /var"
IN_IMAGE = f"{ELSEWHERE}, or make it a part of the image"


class Files(Statuses, Protocol):
    """What a layout is found by: a tree with its folders and the content of its files."""

    def children(self, path: str) -> Sequence[str]:
        """See TreeContents."""
        ...

    def content(self, path: str) -> bytes | None:
        """See TreeContents."""
        ...


class ReadOnly(NamedTuple):
    """Why nothing can be written on a mount, as the end of a sentence, and what to do."""

    reason: str
    hint: str = ELSEWHERE


class Layout(NamedTuple):
    """The mounts of a deployment in the files stage.

    - `mounts`: for each mount point the directory of the physical root that is there; None if that is not known.
    - `read_only`: the mount points on which nothing can be written.
    - `takes_new_names`: whether names can be made in / itself; that is refused even where its directories are writable.
    """

    disk: Statuses
    mounts: Mapping[str, str | None]
    read_only: Mapping[str, ReadOnly]
    takes_new_names: bool

    def mount_of(self, path: str) -> str:
        """The mount point that a resolved path is on, or is."""
        above = [point for point in self.mounts if path == point or path.startswith(f"{point.rstrip('/')}/")]
        return max(above, key=len)

    def file_status(self, path: str) -> FileStatus | None:
        """The status of the file at a path whose parents are directories; None if there is none. Raises OSError."""
        point = self.mount_of(path)
        folder = self.mounts[point]
        if folder is None:
            return None
        rest = path[len(point) :].strip("/")
        return self.disk.file_status(f"{folder.rstrip('/')}/{rest}" if rest else folder)

    def with_mount(self, path: str) -> Layout:
        """The layout with one more file system, whose files are not known; this one if no mount point can be there."""
        try:
            point = followed(self, path)
        except Unresolvable:
            return self  # the mount stage reports it
        read_only = {one: why for one, why in self.read_only.items() if one != point}
        return self._replace(mounts={**self.mounts, point: None}, read_only=read_only)


def deployment_folder(disk: Statuses, command_line: str) -> str | None:
    """The directory of the physical root with the deployment that `ostree=` names, by a link; None if it is not there.

    Raises OSError.
    """
    try:
        folder = followed(disk, f"/{last_value(command_line, 'ostree') or ''}/.")
    except Unresolvable:
        return None
    node = disk.file_status(folder)
    return folder if DEPLOYMENT.fullmatch(folder) and node and node.kind is FileType.DIRECTORY else None


def next_command_line(command_line: str, config: Config) -> str:
    """The kernel command line of the files stage: that of this boot with the changes of the config."""
    removed = config.kernel_arguments.should_not_exist
    kept = [word for word in command_line.split() if word not in removed]
    return " ".join([*kept, *config.kernel_arguments.should_exist])


def has_transient_etc(settings: str) -> bool:
    """Whether what is written below /etc is gone at the next boot, by the text of prepare-root.conf."""
    return _value(settings, "etc", "transient") in TRUE


def layout(disk: Files, folder: str, command_line: str, settings: str) -> Layout:
    """The layout of the deployment at `folder` of the physical root `disk`. Raises OSError.

    `settings` is the text of its prepare-root.conf.
    """
    composefs = _uses_composefs(disk, folder, command_line, settings)
    transient = _value(settings, "root", "transient") in TRUE
    mounts: dict[str, str | None] = {"/": folder, "/sysroot": "/", "/var": f"{folder.rsplit('/', 2)[0]}/var"}
    mounts |= {"/etc": f"{folder}/etc", "/usr": f"{folder}/usr"}
    read_only = {}
    if composefs and not transient:
        read_only["/"] = ReadOnly(
            "/, which is read-only in a deployment of OSTree with composefs",
            f"{ELSEWHERE}, or give the directory a file system in storage.filesystems",
        )
    has_overlay = disk.file_status(f"{folder}/.usr-ovl-work") is not None  # ostree admin unlock --hotfix
    if not transient and not has_overlay:
        read_only["/usr"] = ReadOnly("/usr, which is read-only in a deployment of OSTree", IN_IMAGE)
    physical = None
    if _has_readonly_sysroot(disk, command_line, settings):
        read_only["/sysroot"] = ReadOnly("/sysroot, which is read-only in this deployment of OSTree (sysroot.readonly)")
    if not _mounts_root_writable(command_line):
        physical = ReadOnly(
            "the physical root, which is read-only: the kernel command line has no rw",
            f"{ELSEWHERE}, or let the boot loader say rw",
        )
        read_only.setdefault("/sysroot", physical)
    loader, point = disk.file_status("/boot/loader"), disk.file_status(f"{folder}/boot")
    if loader and loader.kind is FileType.LINK and point and point.kind is FileType.DIRECTORY:
        # /boot is not a file system of its own, so it is bound; if not by OSTree, by `mount_shared`
        mounts["/boot"] = "/boot"
        if physical:
            read_only["/boot"] = physical
    return Layout(disk, mounts, read_only, transient)


def refusals(config: Config, found: Layout, mounted: Collection[str] = ()) -> Iterator[Problem]:
    """A problem for each path of the config that cannot be written in the deployment. Raises OSError.

    File systems of the config can be written, and those at the paths `mounted`, which others mount.
    """
    for path in mounted:
        found = found.with_mount(path)
    points = [(one.path, index) for index, one in enumerate(config.storage.filesystems) if one.path]
    for path, index in sorted(points, key=lambda one: depth(one[0])):
        if not _is_directory(found, path, followed):
            yield from _refusal(("storage", "filesystems", index, "path"), path, found)
        found = found.with_mount(path)
    for place, path in _paths(config, found):
        yield from _refusal(place, path, found)


def _refusal(place: Path, path: str, found: Layout) -> Iterator[Problem]:
    try:
        resolved = resolve_path(found, path)
    except Unresolvable:
        return  # the files stage reports it
    point = found.mount_of(resolved)
    why = found.read_only.get(point)
    top = "/" + resolved.split("/")[1]
    if point == "/" and top != "/" and not found.takes_new_names and found.file_status(top) is None:
        yield Problem(
            place,
            f"there is no {top} in this deployment of OSTree, and nothing can be made in its /",
            hint=IN_IMAGE,
            rule="read-only-root",
        )
    elif why:
        yield Problem(place, f"{path} is on {why.reason}", hint=why.hint, rule="read-only-root")


def _paths(config: Config, found: Layout) -> Iterator[tuple[Path, str]]:
    """The paths that the config makes, each after its place in the config."""
    storage = config.storage
    for index, file in enumerate(storage.files):
        yield ("storage", "files", index, "path"), file.path
    for index, one in enumerate(storage.directories):
        stays = one.mode is None and one.user.is_empty and one.group.is_empty and not one.overwrite
        if not stays or not _is_directory(found, one.path, resolve_path):
            yield ("storage", "directories", index, "path"), one.path
    for index, link in enumerate(storage.links):
        yield ("storage", "links", index, "path"), link.path
    for index, user in enumerate(config.passwd.users):
        if not user.home_dir or user.should_exist is False or user.no_create_home:
            continue
        # useradd leaves a home that exists as it is
        if user.ssh_authorized_keys or not _is_directory(found, user.home_dir, followed):
            yield ("passwd", "users", index, "homeDir"), user.home_dir


def _is_directory(found: Layout, path: str, resolved: Callable[[Statuses, str], str]) -> bool:
    """Whether a path is a directory already, so that nothing has to be made."""
    try:
        node = found.file_status(resolved(found, path))
    except Unresolvable:
        return False
    return node is not None and node.kind is FileType.DIRECTORY


def _uses_composefs(disk: Files, folder: str, command_line: str, settings: str) -> bool:
    """Whether / is the image of composefs. With the setting `maybe` it is one if the deployment has an image."""
    enabled = _composefs_setting(command_line, settings)
    return enabled in COMPOSEFS or (enabled == "maybe" and disk.file_status(f"{folder}/.ostree.cfs") is not None)


def _composefs_setting(command_line: str, settings: str) -> str:
    return last_value(command_line, "ostree.prepare-root.composefs") or _value(settings, "composefs", "enabled")


def _has_readonly_sysroot(disk: Files, command_line: str, settings: str) -> bool:
    """Whether /sysroot is read-only: by the setting of the initramfs, or by that of the repository.

    With composefs the setting of the initramfs is on if it is absent, and the repository does not count.
    """
    with_composefs = _composefs_setting(command_line, settings) in COMPOSEFS
    if (_value(settings, "sysroot", "readonly") or ("true" if with_composefs else "")) in TRUE:
        return True
    repository = (disk.content("/ostree/repo/config") or b"").decode(errors="replace")
    return not with_composefs and _value(repository, "sysroot", "readonly") in TRUE


def _mounts_root_writable(command_line: str) -> bool:
    """Whether the initramfs mounts the root device writable. Source: systemd-fstab-generator(8)."""
    said = [name for name, _ in arguments(command_line) if name in {"ro", "rw"}]
    return (said or [one for one in root_options(command_line) if one in {"ro", "rw"}] or ["ro"])[-1] == "rw"


def _value(settings: str, section: str, name: str) -> str:
    """A value in the text of prepare-root.conf, or of the configuration of a repository; empty if it is not set."""
    here = value = ""
    for line in settings.splitlines():
        if line.strip().startswith("["):
            here = line.strip()
        key, _, text = line.partition("=")
        if here == f"[{section}]" and key.strip() == name:
            value = text.strip()
    return value
