"""Mounting the config's file systems in the target root, outermost first."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import WITHOUT_DEVICE, Config, Filesystem
from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.planning.actions import Keep, Mount, UpdateBootState, Wave
from provision.planning.file_actions import MakeDirectory
from provision.planning.machine_view import FileType, MachineView
from provision.planning.mount_points import mountable
from provision.planning.root import selinux
from provision.planning.root.target_paths import depth
from provision.planning.stage import Stage


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """One wave for each depth; a file system that is mounted there already is left alone.

    Raises PlanRefused for a missing device, or an obstacle at a mount point.
    """
    for level in sorted({depth(filesystem.path or "") for _, filesystem in mountable(config)}):
        wave, kept, made, problems = [], list[Keep](), list[MakeDirectory](), list[Problem]()
        for index, filesystem in mountable(config):
            if depth(filesystem.path or "") != level:
                continue
            if _is_mounted(view, filesystem):
                kept.append(
                    Keep(f"{filesystem.device} at {filesystem.path}", "it is mounted already", _config_path(index))
                )
                continue
            missing, obstacle = _mount_point(view, filesystem.path or "")
            problems += [Problem((*_config_path(index), "path"), obstacle, rule="mount-point")] if obstacle else []
            device = view.device(filesystem.device)
            if device is None and filesystem.format not in WITHOUT_DEVICE:
                problems.append(
                    Problem(
                        (*_config_path(index), "device"), f"{filesystem.device} is not there", rule="missing-device"
                    )
                )
            made += (
                [MakeDirectory(missing[-1], parents=missing[:-1], config_path=_config_path(index))] if missing else []
            )
            wave.append(_mount(index, filesystem, device.name if device else filesystem.device))
        if problems:
            raise PlanRefused(problems, hint="remove what is in the way, or mount elsewhere")
        yield from _make(made, view)
        if wave or kept:
            yield (*kept, *wave)
        if wave:
            state = view.boot_state()
            mounted = (*state.mounted, *(mount.path for mount in wave))
            yield (UpdateBootState(state._replace(mounted=mounted), "remember what was mounted"),)
        yield from selinux.relabel((mount.path for mount in wave if _is_fresh(view, mount.path)), view)


def _make(directories: list[MakeDirectory], view: MachineView) -> Iterator[Wave]:
    """Make mount points, record them, and label them before a file system hides them."""
    if directories:
        made = (path for directory in directories for path in (*directory.parents, directory.path))
        yield tuple(directories)
        state = view.boot_state()
        made_directories = (*state.made_directories, *made)
        title = "remember which directories were made for mount points"
        yield (UpdateBootState(state._replace(made_directories=made_directories), title),)
        yield from selinux.relabel(selinux.created(tuple(directories)), view)


def _is_fresh(view: MachineView, path: str) -> bool:
    """Whether a file system is empty, except for what mke2fs makes."""
    return set(view.children(path)) <= {"lost+found"}


def _mount(index: int, filesystem: Filesystem, device: str) -> Mount:
    return Mount(
        path=filesystem.path or "",
        device=device,
        format=filesystem.format or "",
        options=filesystem.mount_options,
        config_path=_config_path(index),
    )


def _config_path(index: int) -> Path:
    return ("storage", "filesystems", index)


def _is_mounted(view: MachineView, filesystem: Filesystem) -> bool:
    mounted = view.mount(filesystem.path or "")
    device = view.device(filesystem.device)
    return mounted is not None and device is not None and mounted.device in {device.name, filesystem.device}


def _mount_point(view: MachineView, path: str) -> tuple[tuple[str, ...], str]:
    """The directories of a mount point that are missing, outermost first, and what is in the way."""
    parts = [part for part in path.split("/") if part]
    steps = ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]
    for count, step in enumerate(steps):
        node = view.file_status(step)
        if node is None:
            return tuple(steps[count:]), ""
        if node.kind is not FileType.DIRECTORY:
            return (), f"mount path {path} contains non-directory component {step}"
    return (), ""


STAGE = Stage("mount", (plan,))
