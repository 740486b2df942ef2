"""A machine that is a folder with files of /proc and /sys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provision.system.running_system.local_system import LocalSystem


def machine_of_files(root: Path, files: Mapping[str, str]) -> LocalSystem:
    """A running system whose root is `root`, with the given texts by their absolute paths."""
    for path, text in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return LocalSystem(root=str(root))
