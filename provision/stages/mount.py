"""Mounting the config's file systems in the target root, outermost first, each on a labelled directory."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import WITHOUT_DEVICE, Config, Filesystem
from provision.failures import PlanRefused
from provision.planning import selinux as labels
from provision.planning.actions import Directory, Keep, Mount, Remember, Wave
from provision.planning.boot_state import DIRECTORIES, MOUNTED, paths
from provision.planning.machine_view import Kind, Observe
from provision.planning.target_paths import depth

UNMOUNTABLE = {"", "swap", "none"}


def plan(config: Config, observe: Observe) -> Iterator[Wave]:
    """One wave for each depth; a file system that is mounted there already is left alone."""
    for level in sorted({depth(filesystem.path or "") for _, filesystem in mountable(config)}):
        wave, kept, made, reasons = [], list[Keep](), list[Directory](), []
        for index, filesystem in mountable(config):
            if depth(filesystem.path or "") != level:
                continue
            if _is_mounted(observe, filesystem):
                kept.append(Keep(f"{filesystem.device} at {filesystem.path}", "it is mounted already", _where(index)))
                continue
            missing, reason = _mount_point(observe, filesystem.path or "")
            reasons += [f"{_where(index)}.path: {reason}"] if reason else []
            device = observe.device(filesystem.device)
            if device is None and filesystem.format not in WITHOUT_DEVICE:
                reasons.append(f"{_where(index)}.device: {filesystem.device} is not there")
            made += [Directory(missing[-1], parents=missing[:-1], reason=_where(index))] if missing else []
            wave.append(_mount(index, filesystem, device.name if device else filesystem.device))
        if reasons:
            raise PlanRefused(reasons, hint="remove what is in the way, or mount elsewhere")
        yield from _make(made, observe)
        if wave or kept:
            yield (*kept, *wave)
        if wave:
            yield (Remember(MOUNTED, (*paths(observe, MOUNTED), *(mount.path for mount in wave))),)
        yield from labels.relabel((mount.path for mount in wave if _is_fresh(observe, mount.path)), observe)


def _make(directories: list[Directory], observe: Observe) -> Iterator[Wave]:
    """Mount points: made, remembered, and labelled before a file system hides them."""
    if directories:
        made = (path for directory in directories for path in (*directory.parents, directory.path))
        yield tuple(directories)
        yield (Remember(DIRECTORIES, (*paths(observe, DIRECTORIES), *made)),)
        yield from labels.relabel(labels.created(tuple(directories)), observe)


def _is_fresh(observe: Observe, path: str) -> bool:
    """Whether nothing is on a file system but what mke2fs makes."""
    return set(observe.children(path)) <= {"lost+found"}


def mountable(config: Config) -> list[tuple[int, Filesystem]]:
    """The file systems that have a mount point, with their index in the config."""
    return [
        (index, filesystem)
        for index, filesystem in enumerate(config.storage.filesystems)
        if filesystem.path and (filesystem.format or "") not in UNMOUNTABLE
    ]


def _mount(index: int, filesystem: Filesystem, device: str) -> Mount:
    return Mount(
        path=filesystem.path or "",
        device=device,
        format=filesystem.format or "",
        options=filesystem.mount_options,
        reason=_where(index),
    )


def _where(index: int) -> str:
    return f"storage.filesystems[{index}]"


def _is_mounted(observe: Observe, filesystem: Filesystem) -> bool:
    mounted = observe.mount(filesystem.path or "")
    device = observe.device(filesystem.device)
    return mounted is not None and device is not None and mounted.device in {device.name, filesystem.device}


def _mount_point(observe: Observe, path: str) -> tuple[tuple[str, ...], str]:
    """The directories of a mount point that are missing, outermost first, and what is in the way."""
    parts = [part for part in path.split("/") if part]
    steps = ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]
    for count, step in enumerate(steps):
        node = observe.node(step)
        if node is None:
            return tuple(steps[count:]), ""
        if node.kind is not Kind.DIRECTORY:
            return (), f"mount path {path} contains non-directory component {step}"
    return (), ""
