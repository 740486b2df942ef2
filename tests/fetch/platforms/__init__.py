"""What a machine of each platform finds."""

from __future__ import annotations

from provision.fetch.find_config import FoundConfig


def paths(found: FoundConfig) -> list[str]:
    """The paths of the files of a config."""
    return [file.path for file in found.config.storage.files]
