"""Reports of a copy that takes long: how many bytes of files are copied."""

from __future__ import annotations

from collections.abc import Callable

from provision.fetch.retry import now, report_times
from provision.log import Log
from provision.planning.descriptions import size_text


class CopyProgress:
    """Call it with the number of bytes after each part: it logs their sum after 5 s, after 15 s, then every 30 s."""

    def __init__(self, what: str, log: Log, clock: Callable[[], float] = now) -> None:
        self._what = what
        self._log = log
        self._clock = clock
        self._began = clock()
        self._times = report_times()
        self._next = next(self._times)
        self._copied = 0

    def __call__(self, count: int) -> None:
        """Note that so many more bytes are copied."""
        self._copied += count
        waited = self._clock() - self._began
        if waited < self._next:
            return
        self._next = next(moment for moment in self._times if moment > waited)
        self._log("notice", f"{self._what} for {waited:.0f} s: {size_text(self._copied)} of its files are copied")
