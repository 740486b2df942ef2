"""What a config is planned for, or applied to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from provision.engine.history import History, NoHistory
from provision.planning.boot_state import BootState
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage
from provision.system.images.files import UnfinishedImages
from provision.system.machine import Machine


class Target:
    """Where a config is planned for, or applied to."""

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
        self.history: History = NoHistory()
        self.machine = machine
        self.stages = tuple(stages)
        self.unreadable = unreadable
        self.notes: list[str] = []
        self.in_place = False
        self.images = UnfinishedImages(replace=replace)


def starting_state() -> BootState:
    """What a run starts with: a seed for what is chosen, and what the result file tells."""
    from datetime import UTC, datetime
    from secrets import token_hex

    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    now = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    return BootState(seed=token_hex(16), boot_id=boot_id, started=now, user_config=True)
