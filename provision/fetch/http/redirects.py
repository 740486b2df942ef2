"""Which answers are redirects, and where a redirect may lead: a server is trusted less than a config."""

from __future__ import annotations

from collections.abc import Sequence

from provision.config.resources import urls
from provision.config.resources.urls import redacted
from provision.failures import FetchFailed
from provision.fetch.http import connections
from provision.fetch.http.http_types import Reply, Request

STATUSES = frozenset({301, 302, 303, 307, 308})
LIMIT = 10
"""How many redirects are followed."""

REMEDY = "correct the redirect on the server, or write the URL of the resource itself into the config"
INWARD_REMEDY = "if this address is meant, write it into the config itself"
CIRCLE_REMEDY = "the server redirects to where the request came from: correct that on the server"
PLAIN_REMEDY = "let the server redirect to https, or write the http URL into the config, with a hash in verification"


def is_redirect(request: Request, reply: Reply) -> bool:
    """Whether an answer is a redirect that says where it leads."""
    return reply.status in STATUSES - request.accepted and bool(reply.headers.get("Location"))


def target(request: Request, location: str) -> str:
    """Where a redirect of a request leads. Raises FetchFailed if it may not be followed.

    The HTTP library joins several Location headers by a comma and a space, which no URL holds.
    """
    name = request.shown_url
    first, *others = dict.fromkeys(location.split(", "))
    if others:
        raise FetchFailed(name, "redirected to several places: the answer has different Location headers", hint=REMEDY)
    try:
        found = urls.redirect_target(request.url, first)
        source, sink = urls.origin(request.url), urls.origin(found)
        is_plain = _is_plain(first)
    except ValueError as error:
        raise FetchFailed(name, "redirected to an unreadable URL", hint=REMEDY) from error
    if not is_plain:
        told = "redirected to a URL with a backslash, a user name, or characters that no URL may have"
        raise FetchFailed(name, told, hint=REMEDY)
    if sink.scheme not in urls.DEFAULT_PORTS:
        raise FetchFailed(name, f"redirected to {sink.scheme}:..., which is not http or https", hint=REMEDY)
    if source.scheme == "https" and sink.scheme != "https":
        raise FetchFailed(name, f"redirected from https to http ({without_path(found)})", hint=PLAIN_REMEDY)
    if is_local_or_metadata(sink.host) and not is_local_or_metadata(source.host):
        told = f"redirected to {without_path(found)}, which {connections.REFUSAL}"
        raise FetchFailed(name, told, hint=INWARD_REMEDY)
    return found


def too_many(request: Request, visited: Sequence[str]) -> FetchFailed:
    """The failure of a request that was redirected too often; `visited` has all its URLs."""
    if len(set(visited)) < len(visited):
        return FetchFailed(request.shown_url, f"more than {LIMIT} redirects, in a circle", hint=CIRCLE_REMEDY)
    return FetchFailed(request.shown_url, f"more than {LIMIT} redirects", hint=REMEDY)


def without_path(url: str) -> str:
    """A URL without its path: the path of a redirect may hold a secret."""
    scheme, _, rest = redacted(url).partition("//")
    return f"{scheme}//{rest.partition('/')[0]}/..."


def is_local_or_metadata(host: str) -> bool:
    """Whether a host written as an address is on this machine or link. A name is checked when it has been resolved."""
    return host == "localhost" or any(
        connections.is_local_or_metadata(one[4][0]) for one in connections.literal(host, 0)
    )


def _is_plain(location: str) -> bool:
    """Whether all parsers of URLs understand a Location in the same way (RFC 3986, 2 and 3.2)."""
    authority = urls.authority(location)
    printable = all(letter > " " and letter not in '\\\x7f<>"{}|^`' for letter in location)
    return printable and not {"@", "%"} & set(authority.replace("%25", ""))
