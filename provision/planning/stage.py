"""A stage: its name, the parts of its plan, and how it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from provision.config.format import Config
from provision.planning.actions import Wave
from provision.planning.machine_view import MachineView
from provision.planning.root import selinux

Plan = Callable[[Config, MachineView], Iterator[Wave]]
"""A generator of waves. It continues when a wave has been carried out or applied to a forecast."""


class Stage(NamedTuple):
    """A stage: its parts run one after the other, and each sees the effects of those before it.

    - `irreversible`: what it does cannot be undone, so in a boot all later stages are simulated before it begins.
    - `journalled`: a record on the target says how far the stage came, because looking at the machine does not.
    - `labels`: set if everything that the stage creates gets its SELinux label at the end. It returns paths that
      programs may have made and no action names.
    """

    name: str
    parts: tuple[Plan, ...]
    irreversible: bool = False
    journalled: bool = False
    labels: Callable[[Config, MachineView], Iterator[str]] | None = None

    def plan(self, config: Config, view: MachineView) -> Iterator[Wave]:
        """The waves of all parts, then those that label. Raises PlanRefused, like the parts."""
        created: set[str] = set()
        for part in self.parts:
            for wave in part(config, view):
                created.update(selinux.created(wave))
                yield wave
        if self.labels is not None:
            yield from selinux.relabel({*created, *self.labels(config, view)}, view)
