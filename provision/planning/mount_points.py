"""Which file systems of a config the first boot mounts in the target root."""

from __future__ import annotations

from provision.config.format import Config, Filesystem

UNMOUNTABLE = {"", "swap", "none"}
"""Formats that have no files."""


def mountable(config: Config) -> list[tuple[int, Filesystem]]:
    """The file systems that have a mount point, with their index in the config."""
    return [
        (index, filesystem)
        for index, filesystem in enumerate(config.storage.filesystems)
        if filesystem.path and (filesystem.format or "") not in UNMOUNTABLE
    ]
