"""Data URLs (RFC 2397) -> bytes, unpacked and verified; errors in the words of Ignition's lexer."""

from __future__ import annotations

import re

from provision.config.format import Resource


class BadDataUrl(ValueError):
    """A data URL that cannot be decoded. The message never holds any of its content."""


def decode_data_url(text: str) -> bytes:
    """The content of a data URL (RFC 2397). Raises BadDataUrl in the words of the reference's lexer."""
    is_base64, data = _split_data_url(text)
    if is_base64:
        return _from_base64(data)
    if not re.fullmatch(_URL_CHARACTERS, data):
        raise BadDataUrl("invalid data character")
    return _unescaped(data)


def data_url_error(text: str) -> str:
    """Why a data URL cannot be decoded, in Ignition's words; empty if it can."""
    try:
        decode_data_url(text)
    except BadDataUrl as error:
        return str(error)
    return ""


def percent_decoded(text: str) -> bytes:
    """The bytes of a text in which every `%` is followed by two hexadecimal digits."""
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
        return percent_decoded(text)
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


MAX_UNPACKED = 1 << 30
"""Bytes that a compressed inline content may unpack to."""


class ContentInvalid(ValueError):
    """The bytes cannot be unpacked, or are not the right ones. Its text holds none of them."""


def inline_content(resource: Resource) -> bytes | None:
    """The bytes of a resource that the config carries, or None for one that has to be fetched.

    An absent or empty source is an empty content, neither unpacked nor verified (as in the reference engine). Raises
    InlineInvalid.
    """
    if not resource.source:
        return b""
    if not resource.source.startswith("data:"):
        return None
    try:
        data = decode_data_url(resource.source)
    except BadDataUrl as malformed:
        raise ContentInvalid(str(malformed)) from None
    if resource.compression == "gzip":
        data = _gunzip(data)
    if resource.verification.hash is not None:
        _verify(data, resource.verification.hash)
    return data


def _gunzip(data: bytes) -> bytes:
    """All members of a gzip stream (RFC 1952)."""
    import zlib

    unpacked = b""
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(data, MAX_UNPACKED - len(unpacked))
        except zlib.error as error:
            raise ContentInvalid(f"gzip: {error}") from None
        if member.unconsumed_tail:
            raise ContentInvalid(f"gzip: unpacks to more than {MAX_UNPACKED} bytes")
        if not member.eof:
            raise ContentInvalid("gzip: unexpected end of data")
        data = member.unused_data
    return unpacked


def _verify(data: bytes, expected: str) -> None:
    import hashlib

    function, _, wanted = expected.partition("-")
    if function not in {"sha512", "sha256"}:
        raise ContentInvalid("unrecognized hash function")
    calculated = hashlib.new(function, data).hexdigest()
    if calculated != wanted.lower():
        raise ContentInvalid(f"hash verification failed (calculated {calculated} but expected {wanted})")
