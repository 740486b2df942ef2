"""The stages: each a plan, a generator that looks at a view and yields waves of actions. None of them changes anything.

A plan goes on when its wave has been carried out (or laid over a forecast), so it sees what the wave brought about.
Reasons why a config cannot be carried out are collected and raised together as PlanRefused, before the first wave
where that is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import cast

from provision.actions import Wave
from provision.config.format import Config
from provision.observe import Observe

Plan = Callable[[Config, Observe], Iterator[Wave]]


class InTurn:
    """A plan that is others, one after the other: each sees what those before it brought about."""

    def __init__(self, *parts: Plan) -> None:
        self.parts = parts

    def __call__(self, config: Config, observe: Observe) -> Iterator[Wave]:
        """The waves of all."""
        for part in self.parts:
            yield from part(config, observe)


PLANNED = ("kargs", "disks", "mount", "files", "umount")
"""Stages that have a plan, in the order in which they run; each is the module of that name."""


def stage_plan(name: str) -> Plan:
    """The plan of a stage; only that stage's module is loaded."""
    return cast("Plan", import_module(f"provision.stages.{name}").plan)


def parts(plan: Plan) -> tuple[Plan, ...]:
    """What a plan consists of: where one part is refused, the others can be asked all the same."""
    return plan.parts if isinstance(plan, InTurn) else (plan,)
