"""A thousand machines that start together, and a server that serves fifty at a time: all get their config, no machine
asks again too early, and they do not ask at the same moment.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Request
from provision.fetch.settings import FetchSettings
from provision.log import silent
from tests.fetch.server import Answer, Asked, serve

MACHINES = 1000
RETRY_AFTER = 4
AT_ONCE, SECONDS_EACH = 50, 0.2
"""How many machines the server serves at a time, and how long each takes."""

BURST = MACHINES / 8
"""So many in a tenth of a second would be a burst: in step, all would come at once; evenly spread, a twentieth."""


class SlowServer:
    """A server that serves some requests at a time, and tells the others to retry later."""

    def __init__(self) -> None:
        self.moments: defaultdict[str, list[float]] = defaultdict(list)
        self._places = threading.Semaphore(AT_ONCE)

    def answer(self, asked: Asked) -> Answer:
        self.moments[asked.path].append(asked.moment)
        if not self._places.acquire(blocking=False):
            return Answer(b"later", 503, (("Retry-After", str(RETRY_AFTER)),))
        try:
            time.sleep(SECONDS_EACH)
        finally:
            self._places.release()
        return Answer(b"config")


@pytest.mark.disks  # seconds, and a thousand threads: not for the fast part of the tests
def test_a_fleet_is_served_without_bursts() -> None:
    server = SlowServer()
    got: list[bytes] = []
    with serve(server.answer) as served:
        machines = [threading.Thread(target=lambda n=n: got.append(boot(f"{served.url}/{n}"))) for n in range(MACHINES)]
        for machine in machines:
            machine.start()
        for machine in machines:
            machine.join()
    assert got == [b"config"] * MACHINES
    every = server.moments.values()
    assert all(later - earlier >= RETRY_AFTER for moments in every for earlier, later in pairwise(moments))
    returns = [moment for moments in every for moment in moments[1:]]
    assert len(returns) > MACHINES / 30, "the server was not slow enough to prove anything"
    assert max(shown(returns).values()) < BURST


def shown(moments: list[float]) -> Counter[int]:
    """Print and return how many moments are in each tenth of a second."""
    histogram = Counter(int((moment - min(moments)) / 0.1) for moment in moments)
    for tenth in range(max(histogram) + 1):
        print(f"{tenth / 10:5.1f} s {'#' * (histogram[tenth] // 2)} {histogram[tenth]}")
    return histogram


def boot(url: str) -> bytes:
    """Fetch the config as one machine does."""
    return Client(FetchSettings(http_total=120, http_response_headers=30), silent).read(Request(url))
