"""HTTP requests, and replies whose body is not read yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from provision.fetch.retry import Deadline

Headers = tuple[tuple[str, str], ...]

GOOD = frozenset({200, 204})
NOT_FOUND = 404
TOO_MANY = 429


class Request(NamedTuple):
    """A request. `retried` are statuses that mean "not yet" here, besides 429 and every 5xx; `name` is what logs say.

    `accepted` are the statuses of a good answer. `direct` requests, those to metadata services, never go through a
    proxy. `shown` is the URL that messages name where a redirect led to this one, whose path may hold a secret.
    """

    url: str
    headers: Headers = ()
    method: str = "GET"
    body: bytes | None = None
    retried: frozenset[int] = frozenset()
    direct: bool = False
    accepted: frozenset[int] = GOOD
    shown: str = ""

    @property
    def shown_url(self) -> str:
        """The URL that messages name, without secrets."""
        from provision.config.urls import redacted

        return redacted(self.shown or self.url)

    @property
    def name(self) -> str:
        """Method and URL without secrets."""
        return f"{self.method} {self.shown_url}"

    def __repr__(self) -> str:
        return f"Request({self.name})"


class ProxyRefusedError(OSError):
    """A proxy does not connect to where it should: with this status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the proxy says {status}")
        self.status = status
        self.reason = reason


class Reply(NamedTuple):
    """An answer whose body has not been read yet.

    `chunks` reads it until a deadline, and raises OSError or HTTPException; `close` gives the connection up. `secrets`
    tells what no message may repeat of it.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    chunks: Callable[[Deadline], Iterator[bytes]]
    close: Callable[[], None]
    secrets: Callable[[], set[str]] = set
