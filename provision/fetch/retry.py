"""How long to go on trying: deadlines that no clock step moves, pauses that differ from machine to machine, and
reports of a wait on the console.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from provision.log import Log
from provision.threads import start_thread

if TYPE_CHECKING:
    from threading import Event

Report = Callable[[str, str], None]
"""Takes what is being waited for at this moment, and what to do if it does not come."""

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
"""Seconds between two attempts: at first, and at most."""

LONGEST_RETRY_AFTER = 300.0
"""Seconds. A server that asks for more is asked again after this."""

FIRST_REPORTS = (5.0, 15.0)
REPORT_INTERVAL = 30.0
"""Seconds: a wait is reported after 5 s, after 15 s, and then every 30 s."""


def now() -> float:
    """Seconds since boot, suspend included: no clock step moves it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def pauses() -> Iterator[float]:
    """Seconds to wait before each further attempt: 0.2, 0.4 ... 5, each give or take half.

    The figures are Ignition's; the spread is ours, so that machines which were switched on together do not ask at the
    same moment.
    """
    pause = FIRST_PAUSE
    while True:
        yield pause * (0.5 + _chance())
        pause = min(2 * pause, LONGEST_PAUSE)


def retry_after(asked: float, pause: float, left: float = float("inf")) -> float:
    """Seconds to wait after an answer with Retry-After (RFC 9110): `asked` seconds and up to half as much again.

    The random part (up to half of `asked`, or up to `pause`) keeps many machines from asking at the same moment. The
    result is less than the seconds that are `left`, so that there is time for one more attempt, even if it comes too
    early.
    """
    asked = min(asked, LONGEST_RETRY_AFTER)
    if asked >= left:
        return left * (0.75 + _chance() / 5) if left > 1 else left
    return asked + _chance() * min(max(asked / 2, pause), (left - asked) / 2)


def _chance() -> float:
    """A number from 0 to 1; the `random` module costs 6 ms to load."""
    return int.from_bytes(os.urandom(4), "big") / (1 << 32)


class Deadline:
    """A budget of seconds; 0 is no limit. Time in which there was no network does not count: see `extend`.

    `latest` is a moment, as `now` counts, that nothing extends; 0 is none.
    """

    def __init__(self, seconds: float, latest: float = 0.0) -> None:
        self._ends = now() + seconds if seconds else float("inf")
        self._latest = latest or float("inf")

    def left(self) -> float:
        """Seconds left: never negative, infinite if there is no limit."""
        return max(0.0, min(self._ends, self._latest) - now())

    def extend(self, seconds: float) -> None:
        """Give back time that does not count."""
        self._ends += seconds

    def sooner(self, seconds: float) -> Deadline:
        """A deadline that ends after so many seconds, or with this one."""
        return Deadline(max(min(seconds, self.left()), 0.001))

    def within(self, seconds: float) -> float | None:
        """The smaller of a limit (0 is none) and what is left, in seconds: the timeout of a socket (None: no limit)."""
        shortest = min(seconds or float("inf"), self.left())
        return None if shortest == float("inf") else max(shortest, 0.001)


class WaitReporter:
    """Reports what is being waited for, and why, as long as the wait lasts.

    A thread logs the latest reason after 5 s, after 15 s, and then every 30 s, until `stop` is set.
    """

    def __init__(self, awaited: str, deadline: Deadline, log: Log, stop: Event | None = None) -> None:
        from threading import Event

        self._awaited = awaited
        self._deadline = deadline
        self.forget()
        self._log = log
        self._over = Event()
        self._stop = stop or self._over

    def __enter__(self) -> Self:
        start_thread(self._watch)  # without memory for reports the work goes on
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()

    def explain(self, cause: str, remedy: str, deadline: Deadline) -> None:
        """Note why it does not come, what to do about it, and what limits the wait."""
        self._reason = (cause, remedy, deadline)
        self._has_cause = True

    def doing(self, what: str, remedy: str) -> None:
        """Note what is being done; a cause that was noted before is kept, since it says more."""
        if not self._has_cause:
            self._reason = (what, remedy, self._deadline)

    def progress(self, size: int) -> None:
        """Note that so many bytes have arrived."""
        self._reason = (f"it is arriving, {size / (1 << 20):.1f} MiB so far", "", self._deadline)

    def forget(self) -> None:
        """Drop what was noted."""
        self._reason = ("no answer yet", "", self._deadline)
        self._has_cause = False

    def _watch(self) -> None:
        began = now()
        for moment in report_times():
            if self._over.wait(max(0.0, began + moment - now())) or self._stop.is_set():
                return
            self._log("notice", self.text(moment))

    def text(self, waited: float) -> str:
        """The report after `waited` seconds."""
        cause, remedy, deadline = self._reason
        left = deadline.left()
        limit = "without limit" if left == float("inf") else f"{left:.0f} s left"
        advice = f"; {remedy}" if remedy else ""
        return f"waiting for {self._awaited} for {waited:.0f} s ({limit}): {cause}{advice}"


def report_times() -> Iterator[float]:
    """Seconds after which a wait is explained."""
    yield from FIRST_REPORTS
    moment = FIRST_REPORTS[-1]
    while True:
        moment += REPORT_INTERVAL
        yield moment
