"""The disks stage: partitions, RAID arrays, encrypted volumes and file systems, in that order."""

from __future__ import annotations

from provision.planning.stage import InTurn
from provision.stages.disks import filesystems, raid
from provision.stages.disks.luks import volumes as luks
from provision.stages.disks.partitions import decisions as partitions

plan = InTurn(partitions.plan, raid.plan, luks.plan, filesystems.plan)
"""Each part needs the devices that the one before makes, and raises PlanRefused with every reason of its own."""
