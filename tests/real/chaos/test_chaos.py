"""A sample of the faults of `make chaos`. Each commit has its own seed, so that a failure is found again from it."""

from __future__ import annotations

import os
import platform
import random
import subprocess
import time
from pathlib import Path

import pytest

from tests.real.chaos.images import IMAGES
from tests.real.chaos.law import bench
from tests.real.chaos.points import every_point
from tests.real.chaos.scenarios import POWER, TREES, Scenario

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: files get owners"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of system calls are those of x86-64"),
]

POINTS = 40
"""Of each scenario, if time allows."""

SECONDS = 5.5
"""With the start; one point is checked in any case."""


def _seed() -> int:
    """CHAOS_SEED, else a number from the name of the commit; a random one outside of a repository."""
    if "CHAOS_SEED" in os.environ:
        return int(os.environ["CHAOS_SEED"])
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, check=False)
    return int(done.stdout[:8], 16) if done.returncode == 0 else int.from_bytes(os.urandom(4))


@pytest.mark.parametrize("scenario", [*TREES, POWER[0], POWER[2], *IMAGES[:2]], ids=lambda one: one.name)
def test_the_end_is_that_of_an_undisturbed_run(scenario: Scenario) -> None:
    seed = _seed()
    began = time.monotonic()
    with bench(scenario) as ready:
        for chain in every_point(ready.calls, scenario.errors, random.Random(seed), POINTS):
            verdict = ready.judge(chain)
            if verdict.violation:
                pytest.fail(f"CHAOS_SEED={seed}: {verdict}", pytrace=False)
            if time.monotonic() - began > SECONDS:
                break
