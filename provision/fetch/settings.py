"""How to fetch: the values that a command line, a platform and a config decide."""

from __future__ import annotations

from typing import NamedTuple, Self

from provision.fetch.retry import Deadline, now
from provision.fetch.running_system import Unzstd, no_unzstd

HEADER_SECONDS = 10.0
"""Seconds to wait for the headers of an answer where a config says nothing else."""

CONFIG_LIMIT = 32 << 20
"""The most bytes a config, a bundle of certificates or a key may have."""


class FetchSettings(NamedTuple):
    """How to fetch. Seconds are floats; 0 is without limit. `authorities` are PEM bundles trusted besides the system's.

    `ends_at` bounds all of it together, every wait included: a moment as `retry.now` counts, 0 for none.

    `network_wait` bounds the wait for a network, which counts against no other limit. Where several sources are asked
    at once, `grace` is what the others still have when one has failed for good: a drive that never comes must not hold
    up a boot. `platform` decides whose credentials storage services are asked with. `unzstd` reads zstd.
    """

    http_total: float = 0.0
    ends_at: float = 0.0
    http_response_headers: float = HEADER_SECONDS
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: tuple[str, ...] = ()
    authorities: tuple[bytes, ...] = ()
    offline: bool = False
    platform: str = ""
    network_wait: float = 600.0
    grace: float = 10.0
    unzstd: Unzstd = no_unzstd

    @classmethod
    def within(cls, seconds: float) -> Self:
        """Settings by which everything together takes at most so many seconds from now; 0 is without limit."""
        return cls(ends_at=now() + seconds if seconds else 0.0)

    def deadline(self, seconds: float = 0.0) -> Deadline:
        """A limit of so many seconds (0 is none), within the one for all together."""
        return Deadline(seconds, self.ends_at)

    def __repr__(self) -> str:
        return f"FetchSettings(offline={self.offline}, platform={self.platform!r})"
