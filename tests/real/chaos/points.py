"""Which faults are tried: each error at each call, in an order that a seed gives, and chains of several."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from tests.real.chaos.faults import KILL, POWER_LOSS, TORN, Fault, Kind
from tests.real.chaos.scenarios import Errors

CHAINS = 0.2
"""The share of chains among the points, until each error at each call was tried; after that there are only chains."""


def every_point(
    calls: Mapping[Kind, int], errors: Errors, chance: random.Random, points: int
) -> Iterator[tuple[Fault, ...]]:
    """Yield `points` chains of one, two or three faults. `calls` is the number of calls of each kind in a run."""
    single = [
        Fault(number, error, kind) for kind in errors for number in range(1, calls[kind] + 1) for error in errors[kind]
    ]
    every = tuple(single)
    deadly = [fault for fault in every if fault.error in {KILL, POWER_LOSS, TORN}]
    chance.shuffle(single)
    for _ in range(points):
        if single and chance.random() >= CHAINS:
            yield (single.pop(),)
        else:
            yield tuple(chance.choice(chance.choice((deadly, every))) for _ in range(chance.choice((2, 2, 3))))
