"""A thousand machines, switched on together, and one slow server that sends them away at first: nobody is lost, and
they do not come back in step.
"""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from provision.fetch.client import Client
from provision.fetch.messages import Request
from provision.fetch.settings import Settings
from tests.fetch.server import Answer, Asked, serve

MACHINES = 1000
RETRY_AFTER = 4


@pytest.mark.disks  # seconds, and a thousand threads: not for the fast part of the tests
def test_a_fleet_is_served_without_bursts() -> None:
    seen: set[str] = set()
    returns: list[float] = []
    lock = threading.Lock()

    def answer(asked: Asked) -> Answer:
        with lock:
            if asked.path in seen:
                returns.append(asked.moment)
                return Answer(b"config")
            seen.add(asked.path)
            return Answer(b"later", 503, (("Retry-After", str(RETRY_AFTER)),))

    got: list[bytes] = []
    with serve(answer) as served:
        machines = [threading.Thread(target=lambda n=n: got.append(boot(f"{served.url}/{n}"))) for n in range(MACHINES)]
        for machine in machines:
            machine.start()
        for machine in machines:
            machine.join()
    assert got == [b"config"] * MACHINES
    histogram = Counter(int((moment - min(returns)) / 0.1) for moment in returns)
    for tenth in range(max(histogram) + 1):
        print(f"{tenth / 10:5.1f} s {'#' * (histogram[tenth] // 4)} {histogram[tenth]}")
    assert max(histogram.values()) < MACHINES / 5


def boot(url: str) -> bytes:
    """What one machine does. The stacks of a thousand threads stay small."""
    return Client(Settings(http_total=60, http_response_headers=30), lambda _level, _message: None).read(Request(url))
