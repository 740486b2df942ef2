"""The files stage.

| part          | what it writes                                               |
|---------------|--------------------------------------------------------------|
| `accounts`    | groups; users with home, password hash and ssh keys          |
| `nodes`       | directories, files and links                                 |
| `units`       | systemd units, drop-ins, masks and presets                   |
| `network`     | settings of the initramfs's network, if that is asked for    |
| `crypttab`    | `/etc/crypttab` and key files of encrypted volumes           |
| `result_file` | `/etc/.ignition-result.json`                                 |

At the end everything that is new gets its SELinux label.
"""

from __future__ import annotations

from provision.planning.stage import Stage
from provision.stages.files import accounts, crypttab, network, nodes, result_file, units

STAGE = Stage(
    "files",
    (accounts.plan, nodes.plan, units.plan, network.plan, crypttab.plan, result_file.plan),
    journalled=True,
    labels=accounts.made_by_programs,
)
