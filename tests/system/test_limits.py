"""Work on data from anybody ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

WORK = {"while True: pass": "Failure x: it takes more than 1 s of processor time", "bytes(4 << 30)": "MemoryError"}


@pytest.mark.slow
@pytest.mark.parametrize("work", WORK)
def test_it_ends_with_an_error(work: str) -> None:
    """In a process of its own, because the limits stay. The memory is only asked for."""
    code = f"""
from provision.system.limits import limit_work
limit_work("x", seconds=1)
try:
    exec({work!r})
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == WORK[work]
