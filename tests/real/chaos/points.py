"""Which faults are tried: each error at each call, in an order that a seed gives, then chains of several."""

from __future__ import annotations

import errno
import random
from collections.abc import Iterator, Mapping

from tests.real.chaos.faults import ERRORS, KILL, Fault


def every_point(calls: Mapping[bool, int], chance: random.Random, points: int) -> Iterator[tuple[Fault, ...]]:
    """Yield `points` chains of faults. `calls` counts the calls of a run: True -> those that take memory, False -> the
    others.

    First each error at each call, once; the rest are chains of two and three.
    """
    single = [Fault(number, error) for number in range(1, calls[False] + 1) for error in ERRORS]
    single += [Fault(number, errno.ENOMEM, memory=True) for number in range(1, calls[True] + 1)]
    chance.shuffle(single)
    yield from ((fault,) for fault in single[:points])
    for _ in range(points - len(single)):
        yield tuple(_any(calls, chance) for _ in range(chance.choice((2, 2, 3))))


def _any(calls: Mapping[bool, int], chance: random.Random) -> Fault:
    error = chance.choice((KILL, KILL, *ERRORS))
    return Fault(chance.randint(1, calls[False]), error)
