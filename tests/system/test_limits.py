"""Work on data from anybody ends."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys

import pytest

from provision.system.limits import limited_work

WORK = {"while True: pass": "Failure x: it takes more than 1 s of processor time", "bytes(4 << 30)": "MemoryError"}


@pytest.mark.slow
@pytest.mark.parametrize("work", WORK)
def test_it_ends_with_an_error(work: str) -> None:
    """In a process of its own, which takes all its time. The memory is only asked for."""
    code = f"""
from provision.system.limits import limited_work
try:
    with limited_work("x", seconds=1):
        exec({work!r})
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == WORK[work]


def test_the_limits_end_with_the_work() -> None:
    def limits() -> tuple[object, ...]:
        kinds = (resource.RLIMIT_CPU, resource.RLIMIT_AS)
        return (*map(resource.getrlimit, kinds), signal.getsignal(signal.SIGXCPU))

    def work() -> None:
        with limited_work("x"):
            assert limits() != before
            raise MemoryError

    before = limits()
    with pytest.raises(MemoryError):
        work()
    assert limits() == before
