"""Running plans on a forecast to their end before the first change: what would happen, and every reason to refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from provision.config.format import Config
from provision.engine.interfaces import System
from provision.failures import ActionFailed, Failure, PlanRefused
from provision.planning.actions import Action, WaitForDevices
from provision.planning.forecast import Forecast
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage


class Step(NamedTuple):
    """An action of a plan, for those who show it."""

    stage: str
    number: int
    action: Action


OnStep = Callable[[Step], None]
"""Told of every action when it begins; those of one wave begin together."""


def simulated_steps(stages: Iterable[Stage], config: Config, forecast: Forecast) -> Iterator[Step]:
    """What the stages would do, one after the other, each on the forecast of those before it. Raises PlanRefused."""
    number = 0
    for stage in stages:
        for wave in stage.plan(config, forecast):
            for action in wave:
                number += 1
                yield Step(stage.name, number, action)
                forecast.apply(action.effect())


def simulate(stages: Sequence[Stage], config: Config, view: MachineView, wait: OnStep) -> list[Step]:
    """Run all plans to their end without changing anything; tells the steps there will be.

    Raises PlanRefused with the reasons of all stages, or what `wait` raises for a device that does not come.
    """
    steps = []
    try:
        for step in simulated_steps(stages, config, Forecast(view)):
            steps.append(step)
            if isinstance(step.action, WaitForDevices):
                wait(step)
    except (PlanRefused, ActionFailed) as failure:
        others = _refusals(stages, config, Forecast(view))
        if set(PlanRefused.together(others).reasons) <= set(PlanRefused.together([failure]).reasons):
            raise
        raise PlanRefused.together([failure, *others]) from failure
    return steps


def preflight(
    stages: Sequence[Stage], config: Config, system: System, view: MachineView, watch: OnStep | None = None
) -> list[Step]:
    """Foresee, and wait for real, for that changes nothing either; `watch` is told of it before.

    Raises PlanRefused, or ActionFailed for a device that does not come.
    """

    def wait(step: Step) -> None:
        if watch is not None:
            watch(step)
        system.apply(step.action)

    return simulate(stages, config, view, wait)


def _refusals(stages: Iterable[Stage], config: Config, forecast: Forecast) -> list[Failure]:
    """Why parts of the stages cannot be carried out. What a refused one would have made is assumed by the others."""
    refused: list[Failure] = []
    for part in (part for stage in stages for part in stage.parts):
        try:
            for wave in part(config, forecast):
                forecast.apply(fact for action in wave for fact in action.effect())
        except (PlanRefused, ActionFailed) as reason:
            refused.append(reason)
    return refused
