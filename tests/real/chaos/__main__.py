"""The whole run: faults at every call of every scenario, until a number of points is reached.

python -m tests.real.chaos [--points 10000] [--seconds N] [--seed N] [--scenario NAME]
python -m tests.real.chaos --scenario NAME --fault change:12:EIO [--fault ...]    one chain of faults again
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.real.chaos.faults import Fault
from tests.real.chaos.images import IMAGES
from tests.real.chaos.law import bench
from tests.real.chaos.points import every_point
from tests.real.chaos.scenarios import POWER, TREES, Scenario

SCENARIOS = {one.name: one for one in (*TREES, *POWER, *IMAGES)}


def main() -> int:
    """Check the points; returns 1 if the law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.chaos")
    parser.add_argument("--points", type=int, default=10_000, help="stop after so many (10000)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop each scenario after so many")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)), help="for the order of the points")
    parser.add_argument("--scenario", choices=SCENARIOS, action="append", help="only this one; may be repeated")
    parser.add_argument("--fault", type=Fault.parse, action="append", help="only this chain of faults, with its output")
    options = parser.parse_args()
    if options.fault:
        return _shown([SCENARIOS[name] for name in options.scenario or SCENARIOS], options.fault)
    print(f"seed {options.seed}", flush=True)
    chosen = [SCENARIOS[name] for name in options.scenario or SCENARIOS]
    broken = 0
    for scenario in chosen:
        broken += _judged(scenario, random.Random(options.seed), options.points // len(chosen), options.seconds)
    return int(bool(broken))


def _shown(scenarios: Sequence[Scenario], faults: Sequence[Fault]) -> int:
    """Check one chain of faults and print the result; returns 1 if the law was broken."""
    broken = False
    for scenario in scenarios:
        with bench(scenario) as ready:
            verdict = ready.judge(faults)
        broken |= bool(verdict.violation)
        print(verdict)
    return int(broken)


def _judged(scenario: Scenario, chance: random.Random, points: int, seconds: float) -> int:
    """Check the points of one scenario; returns how many of them broke the law."""
    counts = Counter(points=0, chains=0, refused=0, violations=0)
    with bench(scenario) as ready:
        began = time.monotonic()
        for chain in every_point(ready.calls, scenario.errors, chance, points):
            if time.monotonic() - began > seconds:
                break
            verdict = ready.judge(chain)
            counts.update(points=1, chains=len(chain) > 1, refused=verdict.refused, violations=bool(verdict.violation))
            if verdict.violation:
                print(verdict, flush=True)
        print(f"{scenario.name}: {ready.calls}, {dict(counts)}, {time.monotonic() - began:.0f} s", flush=True)
    return counts["violations"]


if __name__ == "__main__":
    sys.exit(main())
