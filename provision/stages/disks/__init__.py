"""The disks stage.

| part         | what it makes                              | what the next part needs from it    |
|--------------|--------------------------------------------|-------------------------------------|
| `partitions` | one new table for each disk that changes   | partitions                          |
| `raid`       | arrays of md                               | `/dev/md/...`                       |
| `luks`       | encrypted volumes, opened                  | `/dev/mapper/...`                   |
| `filesystems`| file systems and swap                      |                                     |

Each part waits for the devices that it needs, and raises PlanRefused with every reason of its own.

Each part decides what is erased on its devices: `partitions.decisions` a table (wipeTable) or entries of it
(wipePartitionEntry), `raid` the partition tables of new members, `luks.volumes` what is in the way of a new volume
(wipeVolume), `filesystems` what is in the way of a new file system (wipeFilesystem). `wipe_action` builds the action.
"""

from __future__ import annotations

from provision.planning.stage import Stage
from provision.stages.disks import filesystems, raid
from provision.stages.disks.luks import volumes
from provision.stages.disks.partitions import decisions

STAGE = Stage("disks", (decisions.plan, raid.plan, volumes.plan, filesystems.plan), irreversible=True)
