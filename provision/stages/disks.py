"""The disks stage: partitions, RAID arrays, encrypted volumes and file systems, in that order."""

from __future__ import annotations

from collections.abc import Iterator

from provision.actions import Wave
from provision.config.format import Config
from provision.observe import Observe
from provision.stages import filesystems, luks, partitions, raid


def plan(config: Config, observe: Observe) -> Iterator[Wave]:
    """One part after the other: each needs the devices that the one before makes. Raises PlanRefused."""
    for part in (partitions, raid, luks, filesystems):
        yield from part.plan(config, observe)
