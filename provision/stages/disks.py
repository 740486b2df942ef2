"""The disks stage: partitions, RAID arrays, encrypted volumes and file systems, in that order."""

from __future__ import annotations

from provision.stages import InTurn, filesystems, luks, partitions, raid

plan = InTurn(partitions.plan, raid.plan, luks.plan, filesystems.plan)
"""Each part needs the devices that the one before makes, and raises PlanRefused with every reason of its own."""
