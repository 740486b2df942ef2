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
    """A request.

    `retried` are the statuses after which it is sent again, besides 429 and every 5xx. `accepted` are the statuses of a
    good answer. `direct` requests (to metadata services) never use a proxy. `shown` is set after a redirect: messages
    show it instead of `url`, whose path may hold a secret.
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
        from provision.config.resources.urls import redacted

        return redacted(self.shown or self.url)

    @property
    def name(self) -> str:
        """Method and URL without secrets."""
        return f"{self.method} {self.shown_url}"

    def __repr__(self) -> str:
        return f"Request({self.name})"


class ProxyRefusedError(OSError):
    """A proxy refused to connect to the host, with this status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the proxy says {status}")
        self.status = status
        self.reason = reason


class HeadersTooLargeError(OSError):
    """The headers of an answer are larger than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the headers of the answer are larger than {limit >> 10} KiB")


class Reply(NamedTuple):
    """An answer whose body has not been read yet.

    `chunks` reads the body until a deadline, and raises OSError or HTTPException. `close` closes the connection.
    `secrets` returns the texts that messages must mask in the body.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    chunks: Callable[[Deadline], Iterator[bytes]]
    close: Callable[[], None]
    secrets: Callable[[], set[str]] = set
