"""What fetching asks about a URL. How one is shown without its secrets: `provision.config.urls.redacted`."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Who answers for a URL: credentials never leave it."""

    scheme: str
    host: str
    port: int


def scheme(url: str) -> str:
    """The scheme of a URL in lower case; empty if it has none."""
    name, colon, _ = url.partition(":")
    return name.lower() if colon else ""


def is_url(url: str) -> bool:
    """Whether a text can be taken apart as a URL."""
    try:
        origin(url)
    except ValueError:
        return False
    return True


def origin(url: str) -> Origin:
    """Scheme, host (lower case, without brackets) and port of a URL. Raises ValueError if it is not one."""
    parts = urlsplit(url)
    host = (parts.hostname or "").replace("%25", "%")  # the zone of an IPv6 address, RFC 6874
    return Origin(parts.scheme, host, parts.port or DEFAULT_PORTS.get(parts.scheme, 0))


def path_of(url: str) -> str:
    """The path of a URL: what the state file and the journal keep of it. Nothing of a data URL."""
    return "" if scheme(url) == "data" else urlsplit(url).path


def target(url: str, location: str) -> str:
    """Where a redirect of `url` leads. Raises ValueError if it leads nowhere."""
    return urljoin(url, location)
