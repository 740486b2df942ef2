"""Limits for work on data that nobody has checked: processor time and memory."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from provision.failures import Failure

SECONDS = 60
MEMORY = 2 << 30


@contextmanager
def limited_work(what: str, seconds: int = SECONDS) -> Iterator[None]:
    """During the block this process may use so many seconds of processor time and MEMORY bytes of addresses.

    After that time a Failure about `what` is raised in the main thread; for memory, Python raises MemoryError.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Failure(f"{what}: it takes more than {seconds} s of processor time")

    used = resource.getrusage(resource.RUSAGE_SELF)
    handler = signal.signal(signal.SIGXCPU, stop)
    time = _lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds)
    memory = _lower(resource.RLIMIT_AS, MEMORY)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, memory)
        resource.setrlimit(resource.RLIMIT_CPU, time)
        signal.signal(signal.SIGXCPU, handler)


def _lower(kind: int, most: int) -> tuple[int, int]:
    """Lower the soft limit; one that is lower already stays. Returns the limits before."""
    soft, hard = before = resource.getrlimit(kind)
    lowest = min(one for one in (most, soft, hard) if one != resource.RLIM_INFINITY)
    resource.setrlimit(kind, (lowest, hard))
    return before
