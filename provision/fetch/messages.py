"""What goes over HTTP: a request as the rest of fetching writes it, and a reply whose body is still to be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from provision.fetch import urls

Headers = tuple[tuple[str, str], ...]

NOT_FOUND = 404
TOO_MANY = 429


class Request(NamedTuple):
    """A request. `retried` are statuses that mean "not yet" here, besides 429 and every 5xx; `name` is what logs say.

    `direct` requests never go through a proxy: they are for metadata services.
    """

    url: str
    headers: Headers = ()
    method: str = "GET"
    body: bytes | None = None
    retried: frozenset[int] = frozenset()
    direct: bool = False

    @property
    def name(self) -> str:
        """Method and URL without secrets."""
        return f"{self.method} {urls.shown(self.url)}"

    def __repr__(self) -> str:
        return f"Request({self.name})"


class Reply(NamedTuple):
    """An answer whose body has not been read yet. `chunks` reads it; `close` gives the connection up."""

    status: int
    reason: str
    headers: Mapping[str, str]
    chunks: Callable[[], Iterator[bytes]]
    close: Callable[[], None]
