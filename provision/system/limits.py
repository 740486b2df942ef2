"""Limits for work on data that nobody has checked: processor time and memory."""

from __future__ import annotations

import resource
import signal
from types import FrameType

from provision.failures import Failure

SECONDS = 60
MEMORY = 2 << 30


def limit_work(what: str, seconds: int = SECONDS) -> None:
    """From now on this process may use so many seconds of processor time and MEMORY bytes of addresses.

    After that time a Failure about `what` is raised in the main thread; for memory, Python raises MemoryError.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Failure(f"{what}: it takes more than {seconds} s of processor time")

    signal.signal(signal.SIGXCPU, stop)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds)
    _limit(resource.RLIMIT_AS, MEMORY)


def _limit(kind: int, most: int) -> None:
    """Lower the soft limit; one that is lower already stays."""
    soft, hard = resource.getrlimit(kind)
    lowest = min(one for one in (most, soft, hard) if one != resource.RLIM_INFINITY)
    resource.setrlimit(kind, (lowest, hard))
