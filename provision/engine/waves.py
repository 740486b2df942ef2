"""Carrying out plans: preflight to the end, then wave by wave; every wave is verified by asking the machine again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provision.config.format import Config
from provision.engine.history import History, NoHistory
from provision.engine.interfaces import Fetcher, System
from provision.engine.preflight import OnStep, Step
from provision.engine.verification import verify
from provision.failures import ActionFailed
from provision.planning.actions import NODE_ACTIONS, Action, FetchBlob, Keep, Wave
from provision.planning.stage import Stage

PARALLEL = 24
"""How many actions of one wave run at a time: fetches mostly wait, and have as many connections (fetch.client)."""


class Engine:
    """Carries out the plans of stages on one machine."""

    def __init__(self, system: System, fetcher: Fetcher, watch: OnStep, history: History | None = None) -> None:
        self._system = system
        self._fetcher = fetcher
        self._watch = watch
        self._history: History = history or NoHistory()
        self._number = 0

    def run(self, stage: Stage, config: Config) -> None:
        """Carry out one stage. Raises PlanRefused before the first change, else ActionFailed, FetchFailed."""
        view = self._history.view(self._system)
        for wave in stage.plan(config, view):
            left = self._history.begin(wave, view, self._system)
            self._carry_out(left.restoring)
            for action in left.pending:
                self._number += 1
                self._watch(Step(stage.name, self._number, action))
            self._carry_out(left.pending)
            verify(left.verified, self._system)
            self._history.finish(wave, view)
        self._history.end(self._system)

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
        if not isinstance(action, FetchBlob):
            self._system.apply(action)
            return
        try:
            with self._system.new_blob(action.blob, action.destination) as file:
                self._fetcher.copy(action.resource, file)
        except OSError as error:  # from the blob store: what goes wrong on the way to it is a FetchFailed
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
