"""Simulates plans on a forecast before the first change; finds the steps, and every reason to refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from provision.config.format import Config
from provision.engine.protocols import System
from provision.failures import ActionFailed, Failure, PlanRefused
from provision.planning.actions import Action, WaitForDevices
from provision.planning.forecast import ContentsOf, Forecast, unseen
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage


class Step(NamedTuple):
    """An action of a plan and its stage, for output."""

    stage: str
    number: int
    action: Action


OnStep = Callable[[Step], None]
"""Called with every step when it begins; the steps of one wave begin together."""


def simulate(
    stages: Sequence[Stage], config: Config, view: MachineView, on_wait: OnStep, contents_of: ContentsOf = unseen
) -> list[Step]:
    """Run all plans to their end without changing anything; returns the steps in order.

    `contents_of` reads file systems that exist and are not mounted. `on_wait` is called for missing devices; then the
    plans continue as if the devices existed. Raises PlanRefused with the reasons of all stages, or what `on_wait`
    raises.
    """
    steps = []
    try:
        for step in _simulated_steps(stages, config, Forecast(view, contents_of)):
            steps.append(step)
            if isinstance(step.action, WaitForDevices):
                on_wait(step)
    except (PlanRefused, ActionFailed) as failure:
        others = _refusals(stages, config, Forecast(view, contents_of))
        if set(PlanRefused.together(others).reasons) <= set(PlanRefused.together([failure]).reasons):
            raise
        raise PlanRefused.together([failure, *others]) from failure
    return steps


def preflight(
    stages: Sequence[Stage], config: Config, system: System, view: MachineView, on_wait: OnStep | None = None
) -> list[Step]:
    """Simulate all stages; waiting for devices is done for real, because it changes nothing.

    `on_wait` is called before each wait. Raises PlanRefused, or ActionFailed for a device that does not appear.
    """

    def wait(step: Step) -> None:
        if on_wait is not None:
            on_wait(step)
        system.apply(step.action)

    return simulate(stages, config, view, wait)


def _simulated_steps(stages: Iterable[Stage], config: Config, forecast: Forecast) -> Iterator[Step]:
    """The steps of the stages; each stage is simulated on the forecast of those before it. Raises PlanRefused."""
    number = 0
    for stage in stages:
        for wave in stage.plan(config, forecast):
            for action in wave:
                number += 1
                yield Step(stage.name, number, action)
                forecast.apply(action.effect())


def _refusals(stages: Iterable[Stage], config: Config, forecast: Forecast) -> list[Failure]:
    """Why parts of the stages cannot be carried out. The other parts are simulated as if a refused part did nothing."""
    refused: list[Failure] = []
    for part in (part for stage in stages for part in stage.parts):
        try:
            for wave in part(config, forecast):
                forecast.apply(fact for action in wave for fact in action.effect())
        except (PlanRefused, ActionFailed) as reason:
            refused.append(reason)
    return refused
