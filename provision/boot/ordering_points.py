"""The points of a first boot at which a distribution runs its own units, under the names that Ignition gives them.

Where a unit is linked into one of Ignition's targets, or has settings for one of its services, each stage is a unit of
its own, so that there is a point before and after each. Elsewhere several stages share a process, which is faster.
"""

from __future__ import annotations

import os
from contextlib import suppress

from provision.boot.run_files import RUN_DIR
from provision.failures import Failure

SEPARATE = f"{RUN_DIR}/separate-stages"
"""The units of single stages start only if this file exists."""

COMBINED_STAGES = {"DISKS_STAGES": "kargs disks", "FILES_STAGES": "mount files", "LAST_STAGES": "umount record end"}
"""Variable of our units -> the steps of one process. `look` does fetch-offline."""

SEPARATE_STAGES = {"DISKS_STAGES": "disks", "FILES_STAGES": "files", "LAST_STAGES": "record"}
"""The same where the other steps have units of their own."""

TARGETS = ("ignition-complete.target", "ignition-diskful.target")
"""What Ignition's generator starts at a first boot; the second one not on a live system."""

_FOLDERS = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system")

_OF_LATER_BOOTS = frozenset({"ignition-subsequent.target", "ignition-diskful-subsequent.target"})


def are_used(root: str = "/") -> bool:
    """Whether a unit is linked to one of Ignition's units, or one of them has a drop-in (systemd.unit(5)).

    Targets of later boots do not count.
    """
    for folder in _FOLDERS:
        place = os.path.join(root, folder)
        for name in _names(place):
            unit, _, suffix = name.rpartition(".")
            refers = unit.startswith("ignition-") and suffix in {"requires", "wants", "d"}
            if refers and unit not in _OF_LATER_BOOTS and _names(os.path.join(place, name)):
                return True
    return False


def start_targets() -> None:
    """Queue the targets, and with them the units that are linked there. Raises Failure."""
    from provision.system.programs import processes

    live = processes.find("is-live-image") and processes.run(["is-live-image"]).status == 0
    done = processes.run(["systemctl", "start", "--no-block", *(TARGETS[:1] if live else TARGETS)])
    if done.status:
        raise Failure(
            f"{TARGETS[0]} cannot be started: {done.last_lines}", hint="systemd-analyze verify names the unit"
        )


def _names(folder: str) -> list[str]:
    with suppress(OSError):
        return os.listdir(folder)
    return []
