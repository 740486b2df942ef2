"""The whole run: faults at every call of every scenario, until a number of points is reached.

python -m tests.real.chaos [--points 10000] [--seconds N] [--seed N] [--scenario NAME]
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.real.chaos.law import Bench, bench
from tests.real.chaos.points import every_point
from tests.real.chaos.scenarios import TREES


def main() -> int:
    """Check the points; returns 1 if the law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.chaos")
    parser.add_argument("--points", type=int, default=10_000, help="stop after so many (10000)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop each scenario after so many")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)), help="for the order of the points")
    parser.add_argument("--scenario", choices=[one.name for one in TREES], help="only this one")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chosen = [one for one in TREES if options.scenario in {None, one.name}]
    broken = 0
    for scenario in chosen:
        with tempfile.TemporaryDirectory() as folder, bench(scenario, Path(folder)) as ready:
            broken += _judged(ready, random.Random(options.seed), options.points // len(chosen), options.seconds)
    return int(bool(broken))


def _judged(ready: Bench, chance: random.Random, points: int, seconds: float) -> int:
    began, counts = time.monotonic(), Counter[str]()
    for chain in every_point(ready.calls, chance, points):
        if time.monotonic() - began > seconds:
            break
        verdict = ready.judge(chain)
        counts["points"] += 1
        counts["refused"] += verdict.refused
        if verdict.violation:
            counts["violations"] += 1
            struck = [run.struck for run in verdict.runs[: len(chain)]]
            print(f"{ready.name}: {', '.join(map(str, chain))} ({struck}): {verdict.violation[:700]}", flush=True)
    print(f"{ready.name}: {ready.calls}, {dict(counts)}, {time.monotonic() - began:.0f} s", flush=True)
    return counts["violations"]


if __name__ == "__main__":
    sys.exit(main())
