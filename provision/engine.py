"""Carrying out plans: preflight to the end, then wave by wave; every wave is verified by asking the machine again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, NamedTuple, Protocol

from provision.actions import NODE_ACTIONS, Action, Await, Blob, Fetch, Keep, NodeAction, Wave
from provision.config.format import Config, Resource
from provision.failures import ActionFailed, Failure, PlanRefused
from provision.forecast import Forecast
from provision.history import History, NoHistory
from provision.observe import Observe
from provision.stages import Plan, parts
from provision.verification import verify

PARALLEL = 24
"""How many actions of one wave run at a time: fetches mostly wait, and have as many connections (fetch.client)."""


class System(Observe, Protocol):
    """The machine: the one seam through which anything is changed."""

    def apply(self, action: Action) -> None:
        """Carry out one action. Raises ActionFailed."""
        ...

    def apply_nodes(self, actions: Sequence[NodeAction]) -> None:
        """Carry out many actions on the tree that touch disjoint paths. Raises ActionFailed."""
        ...

    def spool(self, blob: Blob, near: str) -> AbstractContextManager[BinaryIO]:
        """A place for the bytes of a blob; they are kept when the context ends well."""
        ...


class Fetcher(Protocol):
    """Where bytes come from: the other seam."""

    def copy(self, resource: Resource, into: BinaryIO) -> None:
        """Stream the verified bytes of a resource. Raises FetchFailed."""
        ...

    def cancel(self) -> None:
        """Let what is being fetched fail: nobody waits for it any more."""
        ...


class Step(NamedTuple):
    """An action of a plan, for those who show it."""

    stage: str
    number: int
    action: Action


Watch = Callable[[Step], None]
"""Told of every action when it begins; those of one wave begin together."""


def forecast_steps(stages: Iterable[tuple[str, Plan]], config: Config, forecast: Forecast) -> Iterator[Step]:
    """What the stages would do, one after the other, each on the forecast of those before it. Raises PlanRefused."""
    number = 0
    for name, plan in stages:
        for wave in plan(config, forecast):
            for action in wave:
                number += 1
                yield Step(name, number, action)
                forecast.lay(action.effect())


def foresee(stages: Sequence[tuple[str, Plan]], config: Config, view: Observe, wait: Watch) -> list[Step]:
    """Run all plans to their end without changing anything; tells the steps there will be.

    Raises PlanRefused with the reasons of all stages, or what `wait` raises for a device that does not come.
    """
    steps = []
    try:
        for step in forecast_steps(stages, config, Forecast(view)):
            steps.append(step)
            if isinstance(step.action, Await):
                wait(step)
    except (PlanRefused, ActionFailed) as failure:
        others = _refusals(stages, config, Forecast(view))
        if set(PlanRefused.together(others).reasons) <= set(PlanRefused.together([failure]).reasons):
            raise
        raise PlanRefused.together([failure, *others]) from failure
    return steps


def preflight(
    stages: Sequence[tuple[str, Plan]], config: Config, system: System, view: Observe, watch: Watch | None = None
) -> list[Step]:
    """Foresee, and wait for real, for that changes nothing either; `watch` is told of it before.

    Raises PlanRefused, or ActionFailed for a device that does not come.
    """

    def wait(step: Step) -> None:
        if watch is not None:
            watch(step)
        system.apply(step.action)

    return foresee(stages, config, view, wait)


def _refusals(stages: Iterable[tuple[str, Plan]], config: Config, forecast: Forecast) -> list[Failure]:
    """Why parts of the stages cannot be carried out. What a refused one would have made is assumed by the others."""
    refused: list[Failure] = []
    for part in (part for _, plan in stages for part in parts(plan)):
        try:
            for wave in part(config, forecast):
                forecast.lay(fact for action in wave for fact in action.effect())
        except (PlanRefused, ActionFailed) as reason:
            refused.append(reason)
    return refused


class Engine:
    """Carries out the plans of stages on one machine."""

    def __init__(self, system: System, fetcher: Fetcher, watch: Watch, history: History | None = None) -> None:
        self._system = system
        self._fetcher = fetcher
        self._watch = watch
        self._history: History = history or NoHistory()
        self._number = 0

    def run(self, name: str, plan: Plan, config: Config) -> None:
        """Carry out one stage. Raises PlanRefused before the first change, else ActionFailed, FetchFailed."""
        view = self._history.view(self._system)
        for wave in plan(config, view):
            due = self._history.begin(wave, self._system)
            for action in due.pending:
                self._number += 1
                self._watch(Step(name, self._number, action))
            self._carry_out(due.pending)
            verify(due.promised, self._system)
            self._history.finish(wave, view)
        self._history.end()

    def _carry_out(self, wave: Wave) -> None:
        """Actions on the tree go together, for they wait for the same disk; the others run side by side."""
        nodes = [action for action in wave if isinstance(action, NODE_ACTIONS)]
        others = [action for action in wave if not isinstance(action, (Keep, *NODE_ACTIONS))]
        if nodes:
            self._system.apply_nodes(nodes)
        if len(others) == 1:
            self._apply(others[0])
        elif others:
            _side_by_side(self._apply, others, self._fetcher.cancel)

    def _apply(self, action: Action) -> None:
        if not isinstance(action, Fetch):
            self._system.apply(action)
            return
        try:
            with self._system.spool(action.blob, action.near) as spool:
                self._fetcher.copy(action.resource, spool)
        except OSError as error:  # of the spool: what goes wrong on the way to it is a FetchFailed
            hint = "there is no room for it, or the file system is read-only"
            raise ActionFailed(action.title, error.strerror or str(error), hint=hint) from error


GRACE = 2.0
"""Seconds that each action under way has to end when the run is interrupted."""


def _side_by_side(work: Callable[[Action], None], actions: Sequence[Action], cancel: Callable[[], None]) -> None:
    """Carry out all actions of a wave, some at a time. The first failure is raised when all that began have ended.

    What is fetched beside it is told to: a server that does not answer may be waited for without limit.
    """
    from threading import Thread

    waiting = iter(actions)
    failures: list[BaseException] = []

    def worker() -> None:
        for action in waiting:
            if failures:
                return
            try:
                work(action)
            except Exception as failure:  # noqa: BLE001 - it is raised again below, in the thread that asked
                failures.append(failure)
                cancel()

    threads = [Thread(target=worker) for _ in range(min(PARALLEL, len(actions)))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt as stop:  # what has begun should end before anything is given back
        failures.append(stop)
        cancel()
        for thread in threads:
            thread.join(GRACE)
    if failures:
        raise failures[0]
