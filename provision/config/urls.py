"""URLs in a config: how a data URL is read, and how any URL is shown without its secrets.

The reader of data URLs accepts and refuses what the reference implementation's does (the Go library `dataurl`), in the
same words. It stands here and uses no regular expression, because a config may hold thousands of inline files.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64

PREFIX = "data:"
TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
MEDIA_TYPES = frozenset({"text", "image", "audio", "video", "application", "message", "multipart"})
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n"
HEX = frozenset("0123456789abcdefABCDEF")
# what plain data may hold: printable ASCII but these
PLAIN = bytes(set(range(0x21, 0x7F)) - set(b'<>#"{}|\\^[]`'))


class DataUrlError(ValueError):
    """A data URL is malformed. Its text is the reference implementation's; it never holds any of the data."""


def decode_data(url: str) -> bytes:
    """The bytes of a data URL. Raises DataUrlError."""
    if not url.startswith(PREFIX):
        raise DataUrlError("missing data prefix")
    at = len(PREFIX)
    if url[at : at + 1] not in {";", ","}:
        at = _after_media_type(url, at)
    at, is_base64 = _after_parameters(url, at)
    return _base64(url[at:]) if is_base64 else _plain(url[at:])


def redacted(url: str) -> str:
    """A URL for people and logs: no user info, no query, no fragment, and nothing of a data URL's data."""
    scheme, colon, rest = url.partition(":")
    if not colon:
        return "URL without a scheme"
    if scheme.lower() == "data":
        return "data URL"
    rest = rest.partition("#")[0].partition("?")[0]
    if not rest.startswith("//"):
        return f"{scheme}:{rest}"
    place, slash, path = rest[2:].partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"


def _after_media_type(url: str, at: int) -> int:
    """Where `type/subtype` ends: at a semicolon or a comma."""
    if at == len(url):
        raise DataUrlError("missing comma before data")
    slash = _after_token(url, at)
    if url[slash : slash + 1] != "/":
        raise DataUrlError("missing media type slash" if slash == len(url) else "invalid character for media type")
    if url[at:slash] not in MEDIA_TYPES and not url.startswith("x-", at):
        raise DataUrlError("invalid media type")
    end = _after_token(url, slash + 1)
    if end == slash + 1:
        raise DataUrlError("incomplete media type" if end == len(url) else "invalid character for media subtype")
    if end == len(url):
        raise DataUrlError("missing comma before data")
    if url[end] not in ";,":
        raise DataUrlError("expected semicolon or comma")
    return end


def _after_parameters(url: str, at: int) -> tuple[int, bool]:
    """Where the data begins, behind `;name=value` parameters and the comma, and whether it is base64."""
    while at < len(url):
        if url[at] == ",":
            return at + 1, False
        if url[at] != ";":
            raise DataUrlError("expected semicolon or comma")
        if url.startswith(";base64,", at):
            return at + len(";base64,"), True
        at = _after_parameter(url, at + 1)
    raise DataUrlError("missing comma before data")


def _after_parameter(url: str, at: int) -> int:
    end = _after_token(url, at)
    follows = url[end : end + 1]
    if follows == "," and end > at:
        raise DataUrlError(f"expected base64, got {url[at:end]}")
    if not follows:
        raise DataUrlError("unterminated parameter sequence")
    if follows != "=" or end == at:
        raise DataUrlError("invalid character for parameter attribute")
    if url[end + 1 : end + 2] == '"':
        return _after_quoted(url, end + 2)
    value = _after_token(url, end + 1)
    if value < len(url) and (url[value] not in ";," or value == end + 1):
        raise DataUrlError("invalid character for parameter value")
    return value


def _after_quoted(url: str, at: int) -> int:
    while at < len(url):
        if url[at] == '"':
            return at + 1
        at += 2 if url[at] == "\\" else 1
    raise DataUrlError("unclosed quoted string")


def _after_token(url: str, at: int) -> int:
    while at < len(url) and url[at] in TOKEN:
        at += 1
    return at


def _base64(data: str) -> bytes:
    raw = data.encode("utf-8")
    if raw.translate(None, BASE64):
        raise DataUrlError("invalid data character")
    text = raw.replace(b"\n", b"")
    try:
        return a2b_base64(text, strict_mode=True)
    except Base64Error as error:
        raise DataUrlError(f"illegal base64 data at input byte {_illegal(text)}") from error


def _illegal(text: bytes) -> int:
    """Where Go's decoder stops: at padding that is too early, at what follows padding, or at the end."""
    padding = text.find(b"=")
    if padding < 0:
        return len(text) // 4 * 4
    wanted = -padding % 4
    if wanted in {1, 2}:
        return min(padding + wanted, len(text))
    return padding


def _plain(data: str) -> bytes:
    raw = data.encode("utf-8")
    if raw.translate(None, PLAIN):
        raise DataUrlError("invalid data character")
    if b"%" not in raw:
        return raw
    first, *escaped = raw.split(b"%")
    return first + b"".join(_unescaped(part) for part in escaped)


def _unescaped(part: bytes) -> bytes:
    digits = part[:2].decode("ascii")
    if len(digits) < 2:
        raise DataUrlError("rfc2396: unexpected end of unescape sequence")
    if not HEX.issuperset(digits):
        raise DataUrlError("rfc2396: invalid char 0x25 in unescape sequence")
    return bytes.fromhex(digits) + part[2:]
