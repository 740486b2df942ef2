"""URLs as the reference reads them: Go's `net/url`, RFC 2397 data URLs, S3 ARNs; and which of them a version allows.

Patterns are compiled when first used: six processes run in a boot, and most of them see no URL.

The finer points (what may stand in a host, how a data URL's lexer goes wrong) are those of Go's `net/url` and of
vincent-petithory/dataurl, because a config is valid on one machine exactly if it is on the other. IP literals and
colons in hosts are judged as strictly as Go does since 1.26.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from provision.config.model import minor

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


class Url(NamedTuple):
    """A URL in its parts: `opaque` is what follows the scheme's colon if that is no slash; the query stays encoded."""

    scheme: str
    opaque: str
    host: str
    path: str
    query: str


class BadDataUrl(ValueError):
    """A data URL that cannot be decoded. The message never holds any of its content."""


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


def url_error(text: str, version: int) -> str:
    """Why a version does not take a URL as source, in the reference's words; empty if it does."""
    if text.startswith("data:,") and re.compile(_PLAIN).fullmatch(text, 6):
        return ""
    url = parse_url(text)
    if url is None:
        return "unable to parse url"
    if SCHEMES.get(url.scheme, version + 1) > version:
        return "invalid url scheme"
    return _data_url_error(text) if url.scheme == "data" else _s3_error(url)


def _s3_error(url: Url) -> str:
    if url.scheme == "arn" and not _is_s3_arn(f"arn:{url.opaque}"):
        return "invalid S3 ARN format"
    if url.scheme in {"s3", "arn"} and _has_empty_version(url.query):
        return "invalid S3 object VersionId"
    return ""


# No possessive quantifiers here: before Python 3.11.5 they take what does not match (gh-106052).
_PLAIN_RUN = r"[^\x00-\x20\x7f-\U0010ffff<>#\"{}|\\^\[\]`%]*"
_PLAIN = rf"{_PLAIN_RUN}(?:%[0-9a-fA-F]{{2}}{_PLAIN_RUN})*"


def decode_data_url(text: str) -> bytes:
    """The content of a data URL (RFC 2397). Raises BadDataUrl in the words of the reference's lexer."""
    is_base64, data = _split_data_url(text)
    if is_base64:
        return _from_base64(data)
    if not re.fullmatch(_URL_CHARACTERS, data):
        raise BadDataUrl("invalid data character")
    return _unescaped(data)


def redacted(text: str) -> str:
    """A URL for people and logs: no user info, no query, no fragment, and nothing of a data URL's data."""
    scheme, colon, rest = text.partition(":")
    if not colon:
        return "URL without a scheme"
    if scheme.lower() == "data":
        return "data URL"
    rest = rest.partition("#")[0].partition("?")[0]
    if not rest.startswith("//"):
        return f"{scheme}:{rest}"
    authority, slash, path = rest[2:].partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _data_url_error(text: str) -> str:
    try:
        decode_data_url(text)
    except BadDataUrl as error:
        return str(error)
    return ""


def _split_scheme(text: str) -> tuple[str, str]:
    match = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", text)
    return (match[1].lower(), text[match.end() :]) if match else ("", text)


def _well_escaped(text: str) -> bool:
    """Whether every % is followed by two hexadecimal digits."""
    return "%" not in text or re.search(r"%(?![0-9a-fA-F]{2})", text) is None


_USER = r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*"
_HOST = r"(?:[A-Za-z0-9!$&'()*+,;=:\[\]<>\"._~-]|[^\x00-\x7f]|%25|%[89a-fA-F][0-9a-fA-F])*"
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
        if ";" not in pair and _well_escaped(pair) and _unquoted(name) == b"versionId":
            return not value
    return False


def _unquoted(text: str) -> bytes:
    return re.sub(rb"%(..)", lambda match: bytes([int(match[1], 16)]), text.encode(errors="replace"))


_WORD = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]*"
_MEDIA_TYPES = ("text", "image", "audio", "video", "application", "message", "multipart")
_QUOTED = r'[^"\\\x80-\U0010ffff]*(?:\\[\x00-\x7f][^"\\\x80-\U0010ffff]*)*'
_URL_CHARACTERS = r"[^\x00-\x20\x7f-\U0010ffff<>#\"{}|\\^\[\]`]*"
_BASE64_CHARACTERS = r"[A-Za-z0-9+/=\n]*"


def _split_data_url(text: str) -> tuple[bool, str]:
    """Whether a data URL is in base64, and its data, still encoded."""
    if not text.startswith("data:"):
        raise BadDataUrl("missing data prefix")
    offset, is_base64 = _after_media_type(text, 5), False
    while text[offset : offset + 1] == ";":
        offset, is_base64 = _after_parameter(text, offset + 1)
        if is_base64:
            break
    if offset == len(text):
        raise BadDataUrl("missing comma before data")
    if text[offset] != ",":
        raise BadDataUrl("expected semicolon or comma")
    return is_base64, text[offset + 1 :]


def _after_media_type(text: str, start: int) -> int:
    if text[start : start + 1] in {"", ";", ","}:
        return start
    slash = _skip(_WORD, text, start)
    if slash == start:
        raise BadDataUrl("invalid character after data prefix")
    if slash == len(text):
        raise BadDataUrl("missing media type slash")
    if text[slash] != "/":
        raise BadDataUrl("invalid character for media type")
    if not text.startswith((*_MEDIA_TYPES, "x-", "X-"), start):
        raise BadDataUrl("invalid media type")
    end = _skip(_WORD, text, slash + 1)
    if end == len(text):
        raise BadDataUrl("incomplete media type")
    if text[end] not in ";,":
        raise BadDataUrl("invalid character for media subtype")
    return end


def _after_parameter(text: str, start: int) -> tuple[int, bool]:
    """Where a parameter ends, and whether it says base64, which only the last one may."""
    end = _skip(_WORD, text, start)
    following = text[end : end + 1]
    if following == "" or (end == start and following in "=,"):
        raise BadDataUrl("unterminated parameter sequence")
    if following == ",":
        if text[start:end] != "base64":
            raise BadDataUrl("expected base64")
        return end, True
    if following != "=":
        raise BadDataUrl("invalid character for parameter attribute")
    if text[end + 1 : end + 2] == '"':
        return _after_quoted(text, end + 2), False
    return _after_value(text, end + 1), False


def _after_value(text: str, start: int) -> int:
    end = _skip(_WORD, text, start)
    if end == len(text):
        raise BadDataUrl("missing comma before data")
    if end == start or text[end] not in ";,":
        raise BadDataUrl("invalid character for parameter value")
    _unescaped(text[start:end])
    return end


def _after_quoted(text: str, start: int) -> int:
    end = _skip(_QUOTED, text, start)
    if end == len(text):
        raise BadDataUrl("unclosed quoted string")
    if text[end] != '"':
        raise BadDataUrl("invalid character for parameter value")
    if re.search(
        r"\n|\\(?![abfnrtv\\\"]|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})", text[start:end]
    ):
        raise BadDataUrl("invalid syntax")
    return end + 1


def _skip(pattern: str, text: str, offset: int) -> int:
    match = re.compile(pattern).match(text, offset)
    return match.end() if match else offset


def _unescaped(text: str) -> bytes:
    match = re.search(r"%(?![0-9a-fA-F]{2})", text)
    if match is None:
        return _unquoted(text)
    bad = re.match(r"[0-9a-fA-F]?[^0-9a-fA-F]", text[match.end() :])
    raise BadDataUrl(
        "rfc2396: invalid char 0x25 in unescape sequence" if bad else "rfc2396: unexpected end of unescape sequence"
    )


def _from_base64(data: str) -> bytes:
    from binascii import a2b_base64

    if not re.fullmatch(_BASE64_CHARACTERS, data):
        raise BadDataUrl("invalid data character")
    letters = data.replace("\n", "")
    body = letters.rstrip("=")
    if "=" in body or len(letters) % 4 or len(letters) - len(body) > 2:
        raise BadDataUrl(f"illegal base64 data at input byte {_illegal_byte(data)}")
    return a2b_base64(letters)


def _illegal_byte(data: str) -> int:
    """Where Go's decoder gives up on bad base64: how far it had come, which is not always where the fault is."""
    letters = data.partition("=")[0]
    place, complete = len(letters), len(letters.replace("\n", "")) % 4
    if place == len(data):
        return place - complete
    if complete < 2:
        return place
    second = _next_letter(data, place + 1)
    if complete == 2 and second == len(data):
        return second
    if complete == 2 and data[second] != "=":
        return second - 1
    return _next_letter(data, second + 1 if complete == 2 else place + 1)


def _next_letter(data: str, start: int) -> int:
    """The first character from a place on that is no newline, or the end."""
    return len(data) - len(data[start:].lstrip("\n"))
