"""The stages that have a plan: a generator that looks at a machine and yields waves of actions.

| stage    | what it does                                                       |
|----------|--------------------------------------------------------------------|
| `kargs`  | kernel arguments of the installed system                           |
| `disks`  | partitions, RAID arrays, encrypted volumes, file systems           |
| `mount`  | mounts the file systems of the config in the target root           |
| `files`  | accounts, files, systemd units, crypttab, result file, labels      |
| `umount` | unmounts what `mount` mounted                                      |

A plan changes nothing itself. It continues when its wave has been carried out (or applied to a forecast), so it sees
the effect. All reasons why a config cannot be carried out are collected and raised together as PlanRefused, before the
first wave where that is possible.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from provision.planning.stage import Stage

STAGES = ("kargs", "disks", "mount", "files", "umount")
"""In the order in which they run; each is the module of that name."""


def later_stages(name: str) -> tuple[Stage, ...]:
    """The stages that run after the one of that name, in their order."""
    return tuple(load_stage(later) for later in STAGES[STAGES.index(name) + 1 :])


def load_stage(name: str) -> Stage:
    """The stage of that name; only its module is loaded."""
    return cast("Stage", import_module(f"provision.stages.{name}").STAGE)


def all_stages() -> tuple[Stage, ...]:
    """All stages, for a root that is not known. `base`, before `files`, stands for what fills a new root."""
    from provision.planning.root.unknown_root import restored_root

    loaded = [load_stage(name) for name in STAGES]
    files = STAGES.index("files")
    return (*loaded[:files], Stage("base", (restored_root,)), *loaded[files:])
