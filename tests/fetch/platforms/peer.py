"""Ignition's fetch stage, for comparison.

Debian 12's package `ignition` (2.14) brings an engine in its dracut module. A newer one is taken from the variable
IGNITION_ENGINE.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

NEWER = os.environ.get("IGNITION_ENGINE")
ENGINE = Path(NEWER or "/usr/lib/dracut/modules.d/30ignition/ignition")

needs_engine = pytest.mark.skipif(not ENGINE.exists(), reason="needs Debian's ignition")


def fetched(
    folder: Path, platform: str, environment: Mapping[str, str], moved: Mapping[str, Path] | None = None
) -> list[str] | None:
    """The files of the config that the engine gets; None if it fails.

    `moved`: directory of the kernel -> directory that only the engine sees in its place.
    """
    options = {
        "root": folder,
        "platform": platform,
        "stage": "fetch",
        "config-cache": folder / "cache.json",
        "neednet": folder / "neednet",
        "state-file": folder / "state",
        "fetch-timeout": "3s",
    }
    words = [str(word) for name, value in options.items() for word in (f"-{name}", value)]
    command = [str(ENGINE), *words, "-log-to-stdout"]
    if moved:
        mounts = "".join(_mounted(place, there) for place, there in moved.items())
        command = ["unshare", "--mount", "--propagation=unchanged", "sh", "-c", f'{mounts}exec "$0" "$@"', *command]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=False, timeout=60)
    if done.returncode != 0:
        return None
    config = json.loads((folder / "cache.json").read_text())
    return [file["path"] for file in config.get("storage", {}).get("files", [])]


def _mounted(place: str, there: Path) -> str:
    """A command that mounts a directory over another, for the engine only; a chroot may have no mount at `/`."""
    own = f"{{ mount --make-rprivate / || mount --make-rprivate /{place.split('/')[1]}; }} 2>/dev/null"
    return f"{own} && mount --bind {there} {place} && "
