"""URLs as Ignition reads them: Go's `net/url`, RFC 2397 data URLs, S3 ARNs; and which of them a version allows.

Patterns are compiled when first used: six processes run in a boot, and most of them see no URL.

The finer points (which characters a host may have, which wrong data URLs the lexer accepts) are those of Go's `net/url`
and of vincent-petithory/dataurl, so that a config is valid here exactly if it is valid for Ignition. IP literals and
colons in hosts are checked as strictly as Go does since 1.26.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from provision.config.model import minor
from provision.config.resources.data_urls import data_url_error, percent_decoded

SCHEMES = {
    "http": minor("3.0"),
    "https": minor("3.0"),
    "tftp": minor("3.0"),
    "s3": minor("3.0"),
    "data": minor("3.0"),
    "gs": minor("3.2"),
    "arn": minor("3.4"),
}
"""The schemes that a resource may have, and the version that brought each."""


def scheme_pattern(schemes: Iterable[str]) -> str:
    """A regular expression for the beginning of a URL with one of these schemes, in any case."""
    return f"^(?:{'|'.join(''.join(_any_case(letter) for letter in scheme) for scheme in schemes)}):"


def _any_case(letter: str) -> str:
    return f"[{letter}{letter.upper()}]" if letter.isalpha() else letter


HTTP_URL = {"pattern": scheme_pattern(["https?"]), "patternErrorMessage": "must be a URL with http or https"}
"""The constraint on http and https URLs, as keywords of JSON Schema."""


class Url(NamedTuple):
    """A URL in its parts. `opaque` is the text after `scheme:` if it has no slash first; the query stays encoded."""

    scheme: str
    opaque: str
    host: str
    path: str
    query: str


def parse_url(text: str) -> Url | None:
    """A URL in its parts, None if Go would not parse it. The scheme is lower-cased, nothing else changed."""
    if re.search(r"[\x00-\x1f\x7f]", text) or re.match(r":", text):
        return None
    text, _, fragment = text.partition("#")
    if not _well_escaped(fragment):
        return None
    scheme, rest = _split_scheme(text)
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        if not scheme and ":" in rest.partition("/")[0]:
            return None
        if scheme or not rest:
            return Url(scheme, rest, "", "", query)
    authority = ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
    if not _is_authority(scheme, authority) or not _well_escaped(rest):
        return None
    return Url(scheme, "", authority.rpartition("@")[2], rest, query)


def url_error(text: str, version: int, schemes: Mapping[str, int] = SCHEMES) -> str:
    """Why a version does not take a URL as source, in Ignition's words; empty if it does.

    `schemes` are those of the format: scheme -> its first version.
    """
    if text.startswith("data:,") and not re.compile(_NOT_PLAIN).search(text, 6) and _well_escaped(text):
        return ""
    url = parse_url(text)
    if url is None:
        return "unable to parse url"
    if schemes.get(url.scheme, version + 1) > version:
        return "invalid url scheme"
    return data_url_error(text) if url.scheme == "data" else _s3_error(url)


def _s3_error(url: Url) -> str:
    if url.scheme == "arn" and not _is_s3_arn(f"arn:{url.opaque}"):
        return "invalid S3 ARN format"
    if url.scheme in {"s3", "arn"} and _has_empty_version(url.query):
        return "invalid S3 object VersionId"
    return ""


_NOT_PLAIN = r"[^!$-;=?-Z_a-z~]"
"""What has to be escaped in a data URL (written with ASCII only, because that compiles in a fortieth of the time)."""


URL_HINT = "check the host and the port; other characters than letters are in percent form, such as %2F for /"
"""What to do about a URL that cannot be parsed."""


def redacted(text: str) -> str:
    """A URL for people and logs: no user info, no query, no fragment, and nothing of a data URL's data.

    A password may hold a `/`, `?` or `#` that is not encoded. The parts of the URL are then not those that its author
    means, and every part that may belong to the password is left out.
    """
    scheme, colon, rest = text.partition(":")
    if not colon:
        return "URL without a scheme"
    if scheme.lower() == "data":
        return "data URL"
    shown = rest.partition("#")[0].partition("?")[0]
    if not shown.startswith("//"):
        return f"{scheme}:..." if "@" in rest else f"{scheme}:{shown}"
    authority, slash, path = shown[2:].partition("/")
    user, colon, port = authority.rpartition(":")
    if "@" in authority and "@" in rest[2 + len(authority) :]:
        return f"{scheme}://..."
    if colon and "@" not in authority and "@" in rest and not user.endswith("]"):
        return f"{scheme}://{user}:..." if port.isdecimal() else f"{scheme}://..."  # a port, or half of a password
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _split_scheme(text: str) -> tuple[str, str]:
    match = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", text)
    return (match[1].lower(), text[match.end() :]) if match else ("", text)


def _well_escaped(text: str) -> bool:
    """Whether every % is followed by two hexadecimal digits."""
    return "%" not in text or re.search(r"%(?![0-9a-fA-F]{2})", text) is None


_USER = r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*"

_HOST = r"(?:[^\x00-\x20#%/?@\\^`{|}\x7f]++|%25|%[89a-fA-F][0-9a-fA-F])*+"

_PORT = r"(?::[0-9]*)?"


def _is_authority(scheme: str, authority: str) -> bool:
    user, _, host = authority.rpartition("@")
    if not (re.fullmatch(_USER, user) and _well_escaped(user)):
        return False
    if "[" in host:
        return _is_literal(host)
    colon = host.find(":") if scheme in {"http", "https"} else host.rfind(":")
    return re.fullmatch(_HOST, host) is not None and (colon < 0 or re.compile(_PORT).fullmatch(host, colon) is not None)


def _is_literal(host: str) -> bool:
    """Whether a host is an IPv6 address in brackets, with or without a zone and a port."""
    address, closed, port = host[1:].rpartition("]")
    address, percent, zone = address.partition("%25")
    if host[0] != "[" or not closed or not re.fullmatch(_PORT, port) or (percent and not zone):
        return False
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(address)
    except AddressValueError:
        return False
    return _well_escaped(zone) and "%" not in address


def _is_s3_arn(text: str) -> bool:
    """Whether a text is the ARN of an object: `arn:aws:s3:::bucket/key` or `arn:aws:s3:...:accesspoint/name/key`."""
    sections = text.split(":", 5)
    if len(sections) < 6 or sections[2] != "s3":
        return False
    return text.count("/") >= (2 if sections[5].startswith("accesspoint/") else 1)


def _has_empty_version(query: str) -> bool:
    """Whether the first `versionId` of a query has no value; pairs that Go's parser drops are dropped."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if ";" not in pair and _well_escaped(pair) and percent_decoded(name) == b"versionId":
            return not value
    return False


DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """The server of a URL: scheme, host and port. Credentials are never sent to another origin."""

    scheme: str
    host: str
    port: int


def scheme(url: str) -> str:
    """The scheme of a URL in lower case; empty if it has none."""
    name, colon, _ = url.partition(":")
    return name.lower() if colon else ""


def is_url(url: str) -> bool:
    """Whether a text can be split into the parts of a URL."""
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


def authority(url: str) -> str:
    """User info, host and port of a URL as written; empty for a path. Raises ValueError if it is no URL."""
    return urlsplit(url).netloc


def path_of(url: str) -> str:
    """The path of a URL; empty for a data URL. The state file and the journal store it in place of the URL."""
    return "" if scheme(url) == "data" else urlsplit(url).path


def redirect_target(url: str, location: str) -> str:
    """Where a redirect of `url` leads. Raises ValueError if it leads nowhere."""
    return urljoin(url, location)
