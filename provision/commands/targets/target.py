"""What a config is planned for, or applied to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from provision.commands.plan_output import kept_mounts
from provision.engine.history import History
from provision.engine.preflight import Step
from provision.log import Log, notices_on, silent
from provision.planning.actions import Mount
from provision.planning.boot_state import BootState
from provision.planning.forecast import ContentsOf, unseen
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage
from provision.system.images.unfinished_images import UnfinishedImages
from provision.system.machine import Machine


class Target:
    """Where a config is planned for, or applied to.

    - `stages`: the stages to carry out; `preview` has those to simulate before, which can differ.
    - `open_history`: opens the record of a stage that keeps one, when that stage begins; None if none is kept.
    - `machine`: the machine that `apply` changes; None if the target is only for plans.
    - `unreadable`: devices that exist and cannot be read, with the reason.
    - `unseen`: what a plan cannot compare with the config, with the reason.
    - `contents_of`: reads file systems that are not mounted, until `stop_looking` is called.
    - `root_is_known`: whether plans can read the root file system of the config.
    - `in_place`: whether existing data is changed; then a run destroys nothing without --force.
    """

    def __init__(
        self,
        view: MachineView,
        machine: Machine | None,
        stages: Sequence[Stage],
        unreadable: Mapping[str, str] = MappingProxyType({}),
        *,
        replace: bool = False,
    ) -> None:
        self.view = view
        self.open_history: Callable[[], History] | None = None
        self.machine = machine
        self.stages = tuple(stages)
        self.preview = self.stages
        self.unreadable = unreadable
        self.notes: list[str] = []
        self.root_is_known = True
        self.unseen: dict[str, str] = {}
        self.contents_of: ContentsOf = unseen
        self.stop_looking: Callable[[], None] = lambda: None
        self.in_place = False
        self.images = UnfinishedImages(replace=replace)


def hidden_mounts(steps: Sequence[Step], target: Target) -> list[Mount]:
    """The mounts of existing file systems whose files a plan cannot see."""
    return [mount for mount in kept_mounts(steps) if target.contents_of(mount.device) is None]


def log_of(arguments: argparse.Namespace) -> Log:
    """The log for messages during long steps: standard error; no messages with --quiet."""
    return silent if getattr(arguments, "quiet", False) else notices_on(sys.stderr)


def starting_state() -> BootState:
    """The state at the start of a run: a random seed for UUIDs, and what the result file contains."""
    from datetime import UTC, datetime
    from secrets import token_hex

    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    now = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    return BootState(seed=token_hex(16), boot_id=boot_id, started=now, user_config=True)
