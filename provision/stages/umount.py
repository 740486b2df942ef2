"""Unmounting what the mount stage mounted, innermost first."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Config
from provision.planning.actions import Unmount, Wave
from provision.planning.machine_view import MachineView
from provision.planning.mount_points import mountable
from provision.planning.root.target_paths import depth
from provision.planning.stage import Stage


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """One wave for each depth; what is not mounted needs nothing."""
    mounted = view.boot_state().mounted
    found = [(index, entry.path or "") for index, entry in mountable(config) if entry.path in mounted]
    for level in sorted({depth(path) for _, path in found}, reverse=True):
        wave = tuple(
            Unmount(path, config_path=("storage", "filesystems", index))
            for index, path in found
            if depth(path) == level and view.mount(path) is not None
        )
        if wave:
            yield wave


STAGE = Stage("umount", (plan,))
