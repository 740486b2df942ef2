"""What a stage's plan is, and a plan that consists of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provision.config.format import Config
from provision.planning.actions import Wave
from provision.planning.machine_view import MachineView

Plan = Callable[[Config, MachineView], Iterator[Wave]]


class InTurn:
    """A plan that is others, one after the other: each sees what those before it brought about."""

    def __init__(self, *parts: Plan) -> None:
        self.parts = parts

    def __call__(self, config: Config, view: MachineView) -> Iterator[Wave]:
        """The waves of all."""
        for part in self.parts:
            yield from part(config, view)


def parts(plan: Plan) -> tuple[Plan, ...]:
    """What a plan consists of: where one part is refused, the others can be asked all the same."""
    return plan.parts if isinstance(plan, InTurn) else (plan,)
