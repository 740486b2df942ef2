"""A sample of the faults of `make chaos`, with a new seed each time, which is printed."""

from __future__ import annotations

import os
import platform
import random
import time
from pathlib import Path

import pytest

from tests.real.chaos.law import bench
from tests.real.chaos.points import every_point
from tests.real.chaos.scenarios import TREES, Scenario

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: files get owners"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of system calls are those of x86-64"),
]

POINTS = 60
"""Of each scenario, if time allows."""

SECONDS = 11.0


@pytest.mark.parametrize("scenario", TREES, ids=lambda one: one.name)
def test_the_end_is_that_of_an_undisturbed_run(scenario: Scenario, tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", int.from_bytes(os.urandom(4))))
    print(f"CHAOS_SEED={seed}")
    began = time.monotonic()
    with bench(scenario, tmp_path) as ready:
        for chain in every_point(ready.calls, random.Random(seed), POINTS):
            verdict = ready.judge(chain)
            struck = [run.struck for run in verdict.runs[: len(chain)]]
            assert not verdict.violation, f"CHAOS_SEED={seed}: {', '.join(map(str, chain))} ({struck})"
            if time.monotonic() - began > SECONDS:
                break
