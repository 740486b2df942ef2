"""Carries out plans: preflight first, then wave by wave; after each wave its effects are verified."""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Callable, Sequence

from provision.config.format import Config
from provision.engine.history import History, NoHistory
from provision.engine.preflight import OnStep, Step
from provision.engine.protocols import Fetcher, System
from provision.engine.verification import verify
from provision.failures import ActionFailed
from provision.planning.actions import Action, FetchBlob, Keep, Wave
from provision.planning.file_actions import FILE_ACTIONS
from provision.planning.stage import Stage
from provision.stop_signals import raise_if_stopped
from provision.threads import start_thread

PARALLEL = 24
"""How many actions of one wave run at a time. Most of them are fetches, which wait for servers."""


class Engine:
    """Carries out the plans of stages on one machine."""

    def __init__(self, system: System, fetcher: Fetcher, watch: OnStep, history: History | None = None) -> None:
        self._system = system
        self._fetcher = fetcher
        self._watch = watch
        self._history: History = history or NoHistory()
        self._number = 0

    def run(self, stage: Stage, config: Config) -> None:
        """Carry out one stage. Raises PlanRefused before the first change; later ActionFailed or FetchFailed."""
        view = self._history.view(self._system)
        for wave in stage.plan(config, view):
            left = self._history.begin(wave, view, self._system)
            self._carry_out(left.restoring)
            for action in left.pending:
                self._number += 1
                self._watch(Step(stage.name, self._number, action))
            self._carry_out(left.pending)
            self._carry_out(self._history.leftovers(wave, self._system))
            verify(left.verified, self._system)
            self._history.finish(wave, view)
        self._history.end(self._system)

    def _carry_out(self, wave: Wave) -> None:
        """Carry out the actions on files in one batch, which syncs the disk once, and the other actions in parallel."""
        raise_if_stopped()
        nodes = [action for action in wave if isinstance(action, FILE_ACTIONS)]
        others = [action for action in wave if not isinstance(action, (Keep, *FILE_ACTIONS))]
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
        except OSError as error:  # of the blob store; errors of the fetch are FetchFailed
            hint = "there is no room for it, or the file system is read-only"
            raise ActionFailed(action.title, error.strerror or str(error), hint=hint) from error


GRACE = 10.0
"""Seconds that running actions have to end after a stop signal. Most end at once; some wait for a device."""


def _side_by_side(work: Callable[[Action], None], actions: Sequence[Action], cancel: Callable[[], None]) -> None:
    """Carry out all actions of a wave in threads. Raises the first failure after all started actions have ended.

    After a stop signal that is KeyboardInterrupt, even if an action fails first because of it.
    """
    workers = _Workers(work, actions, cancel)
    try:
        for _ in range(min(PARALLEL, len(actions)) - 1):
            if not start_thread(workers.work):
                break
        workers.work()
        workers.wait(None)
    except KeyboardInterrupt as stop:  # running actions should end before devices and mounts are released
        workers.stop(stop)
        workers.wait(GRACE)
    raise_if_stopped()
    if workers.failures:
        raise workers.failures[0]


class _Workers:
    """Threads that take actions from one list; the calling thread is one of them.

    If there is no memory for a thread, the others do its work. A thread may die before it takes an action, so `wait`
    waits for the threads that have taken one.
    """

    def __init__(self, work: Callable[[Action], None], actions: Sequence[Action], cancel: Callable[[], None]) -> None:
        from threading import Condition

        self._work = work
        self._waiting = iter(actions)
        self._cancel = cancel
        self._busy: set[int] = set()
        self._changed = Condition()
        self.failures: list[BaseException] = []

    def work(self) -> None:
        """Take actions and carry them out, until none is left or one has failed."""
        while True:
            with self._changed:
                action = None if self.failures else next(self._waiting, None)
                if action is None:
                    return
                self._busy.add(get_ident())
            try:
                self._work(action)
            except Exception as failure:  # noqa: BLE001 - it is raised again, in the thread that asked
                self.stop(failure)
            finally:
                with self._changed:
                    self._busy.discard(get_ident())
                    self._changed.notify_all()

    def stop(self, failure: BaseException) -> None:
        """Begin no more actions, and make running fetches fail, because they may wait for a server without limit."""
        self.failures.append(failure)
        self._cancel()

    def wait(self, seconds: float | None) -> None:
        """Wait at most `seconds` (None: no limit) until the actions of all other threads have ended."""
        own = {get_ident()}  # an interruption may have come between taking an action and its end
        with self._changed:
            self._changed.wait_for(lambda: self._busy <= own, seconds)
