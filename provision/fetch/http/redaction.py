"""The secrets of a request. An error answer may repeat them, so messages mask them."""

from __future__ import annotations

from collections.abc import Iterator

from provision.fetch.http.http_types import Headers, Request

SHORTEST = 4
"""Words with fewer characters are not masked: they are no secrets, and the text would become unreadable."""


def secrets(request: Request, proxy: str, harmless: Headers) -> set[str]:
    """The secret parts of a request and of a proxy's URL, in every form in which an answer may repeat them.

    Headers in `harmless` are no secrets.
    """
    from json import dumps
    from urllib.parse import quote, unquote

    parts = {part for url in (request.url, proxy) for part in _of_url(url)}
    if request.shown not in {"", request.url}:  # a server that redirects may have put a secret into the path
        parts |= set(request.url.partition("//")[2].partition("?")[0].split("/")[1:])
    own = [value for header in request.headers if header not in harmless for value in header[1:]]
    parts |= {word for value in own for word in (value, *_words(value))}
    plain = {unquote(part) for part in parts}
    written = {form for part in plain for form in (quote(part, safe=""), dumps(part)[1:-1], _base64(part))}
    return {form for form in parts | plain | written if len(form) >= SHORTEST}


def _of_url(url: str) -> Iterator[str]:
    from urllib.parse import unquote

    rest, _, query = url.partition("#")[0].partition("?")
    yield query
    yield from (pair.partition("=")[2] for pair in query.split("&"))
    user, at, _ = rest.partition("//")[2].partition("/")[0].rpartition("@")
    if at:
        yield from (user, user.partition(":")[2], _base64(unquote(user)))


def _words(value: str) -> list[str]:
    """The words of a header's value, because a server may repeat only the token of `Bearer TOKEN`."""
    return value.replace(",", " ").replace(";", " ").replace("=", " ").split()


def _base64(text: str) -> str:
    """A text in base64, as the Basic scheme sends it (RFC 7617)."""
    from base64 import b64encode

    return b64encode(text.encode()).decode()
