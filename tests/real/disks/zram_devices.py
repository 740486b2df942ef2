"""The zram devices of the running kernel, of which a test leaves none behind."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

needs_zram = pytest.mark.skipif(not Path("/sys/class/zram-control").exists(), reason="this kernel has no zram")


def devices() -> set[str]:
    """Their names."""
    return {path.name for path in Path("/sys/block").glob("zram*")}


@contextmanager
def none_left() -> Iterator[set[str]]:
    """Check that the block leaves the devices that were there before; tests with zram wait for each other."""
    with Path("/run/lock/provision-tests-zram").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = devices()
        yield before
        assert devices() == before
