"""A URL as Go writes it after parsing: the scheme in lower case, and characters escaped that a URL cannot hold.

ct parses the URL of a file's contents, and writes the parsed form. Source: Go's package `net/url`, `URL.String`.
"""

from __future__ import annotations

import re

from provision.config.resources.data_urls import percent_decoded
from provision.config.resources.urls import parse_url

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
_IN_USER = _UNRESERVED + b"$&+,;="
_IN_HOST = _UNRESERVED + b"!$&'()*+,;=:[]<>\""
_IN_PATH = _UNRESERVED + b"$&+,/:;=@"
_IN_FRAGMENT = _IN_PATH + b"!()*?"

_KEPT = r"[A-Za-z0-9\-_.~!$&'()*+,/;=:@\[\]%]*"
"""A path that Go writes unchanged."""


def as_go_writes(text: str) -> str | None:
    """The URL in Go's form; None if Go cannot parse it."""
    url = parse_url(text)
    if url is None:
        return None
    before, hash_sign, fragment = text.partition("#")
    start = f"{url.scheme}:" if url.scheme else ""
    rest, question, query = before[len(start) :].partition("?")
    if not url.opaque:
        rest = _hierarchy(rest, start)
    if fragment and not re.fullmatch(_KEPT.replace("@", "@?"), fragment):
        fragment = _escaped(fragment, _IN_FRAGMENT)
    return f"{start}{rest}{question}{query}{hash_sign if fragment else ''}{fragment}"


def _hierarchy(rest: str, start: str) -> str:
    """The authority and the path."""
    if not rest.startswith("//") or (rest.startswith("///") and not start):
        return _path(rest)
    authority, slash, path = rest[2:].partition("/")
    user, at, host = authority.rpartition("@")
    name, colon, password = user.partition(":")
    shown = f"{_escaped(name, _IN_USER)}{colon}{_escaped(password, _IN_USER)}{at}{_escaped(host, _IN_HOST)}"
    return f"//{shown}{_path(slash + path)}" if authority or slash else ""


def _path(path: str) -> str:
    return path if re.fullmatch(_KEPT, path) else _escaped(path, _IN_PATH)


def _escaped(text: str, allowed: bytes) -> str:
    """A text with every byte escaped that is not allowed; escapes in the text are resolved first."""
    return "".join(chr(byte) if byte in allowed else f"%{byte:02X}" for byte in percent_decoded(text))
