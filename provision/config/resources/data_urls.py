"""Data URLs (RFC 2397) from bytes and back; errors in the words of Ignition's lexer."""

from __future__ import annotations

import re
from io import BytesIO

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"


def percent_encoded(contents: bytes) -> str:
    """A data URL with every byte that is not unreserved (RFC 2396) as `%` and two digits."""
    escaped = [chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)]
    return "data:," + "".join([escaped[byte] for byte in contents])


def percent_encoded_length(contents: bytes) -> int:
    """The length in bytes of a data URL that `percent_encoded` makes, without making it."""
    return len("data:,") + len(contents) + 2 * len(contents.translate(None, _UNRESERVED))


def base64_encoded(contents: bytes, media_type: str = "") -> str:
    """A data URL in base64; `media_type` with its parameters, empty for none."""
    from binascii import b2a_base64

    return f"data:{media_type};base64,{b2a_base64(contents, newline=False).decode('ascii')}"


class BadDataUrl(ValueError):
    """A data URL that cannot be decoded. The message never holds any of its content."""


def decode_data_url(text: str) -> bytes:
    """The content of a data URL (RFC 2397). Raises BadDataUrl in the words of Ignition's lexer."""
    from binascii import a2b_base64

    is_base64, data = _split_data_url(text)
    _check_data(is_base64, data)
    return a2b_base64(data) if is_base64 else percent_decoded(data)


def data_url_error(text: str) -> str:
    """Why a data URL cannot be decoded, in Ignition's words; empty if it can."""
    try:
        _check_data(*_split_data_url(text))
    except BadDataUrl as error:
        return str(error)
    return ""


def percent_decoded(text: str) -> bytes:
    """The bytes of a text in which every `%` is followed by two hexadecimal digits.

    Quoted-printable differs only in the sign. Its decoder is written in C.
    """
    from binascii import a2b_qp

    whole, start = BytesIO(), 0
    while start < len(text):
        end = start + _STEP
        cut = text.rfind("%", end - 2, end)  # an escape stays whole
        end = cut if cut > start else end
        whole.write(a2b_qp(text[start:end].encode(errors="replace").replace(b"=", b"%3D").replace(b"%", b"=")))
        start = end
    return whole.getvalue()


_STEP = 1 << 16
"""Characters that are decoded at once, because the decoder needs memory for several copies of them."""


_WORD = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]*"

_PLAIN_WORD = r"[!#$&'*+\-.0-9A-Z^_`a-z{|}~]++"
_PLAIN_PARAMETER = rf";{_PLAIN_WORD}={_PLAIN_WORD}(?=[;,])"
"""A parameter without escapes and quotes."""

_MEDIA_TYPES = ("text", "image", "audio", "video", "application", "message", "multipart")

_QUOTED = r"[\x00-!#-\[\]-\x7f]*(?:\\[\x00-\x7f][\x00-!#-\[\]-\x7f]*)*"

_NO_URL_CHARACTER = r"[^!$-;=?-Z_a-z~]"
"""Written with ASCII only: a range up to U+10FFFF would take forty times as long to compile."""

_NO_BASE64_CHARACTER = r"[^A-Za-z0-9+/=\n]"


def _split_data_url(text: str) -> tuple[bool, str]:
    """Whether a data URL is in base64, and its data, still encoded."""
    if not text.startswith("data:"):
        raise BadDataUrl("missing data prefix")
    offset, is_base64 = _after_plain_parameters(text, _after_media_type(text, 5)), False
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


def _after_plain_parameters(text: str, start: int) -> int:
    """The end of parameters without escapes and quotes. There may be millions, so each is a match of its own.

    One pattern for all would need a possessive repeat of a group, which Python 3.11.2 (Debian 12) gets wrong.
    """
    matches = re.compile(_PLAIN_PARAMETER).scanner(text, start)  # type: ignore[attr-defined] # untyped in its stubs
    for match in iter(matches.match, None):
        start = match.end()
    return start


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
    _check_escapes(text[start:end])
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


def _check_data(is_base64: bool, data: str) -> None:
    """Raises BadDataUrl if the data after the comma cannot be decoded."""
    if is_base64:
        _check_base64(data)
    elif re.search(_NO_URL_CHARACTER, data):
        raise BadDataUrl("invalid data character")
    else:
        _check_escapes(data)


def _check_escapes(text: str) -> None:
    match = re.search(r"%(?![0-9a-fA-F]{2})", text)
    if match is None:
        return
    bad = re.match(r"[0-9a-fA-F]?[^0-9a-fA-F]", text[match.end() :])
    raise BadDataUrl(
        "rfc2396: invalid char 0x25 in unescape sequence" if bad else "rfc2396: unexpected end of unescape sequence"
    )


def _check_base64(data: str) -> None:
    if re.search(_NO_BASE64_CHARACTER, data):
        raise BadDataUrl("invalid data character")
    letters = len(data) - data.count("\n")
    padding = data.count("=")
    ends_in_padding = not data.rstrip("=\n").count("=")
    if not ends_in_padding or letters % 4 or padding > 2:
        raise BadDataUrl(f"illegal base64 data at input byte {_illegal_byte(data)}")


def _illegal_byte(data: str) -> int:
    """The offset at which Go's decoder stops in bad base64, which is not always the offset of the mistake."""
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
    """The offset of the first character from `start` on that is not a newline, or the end of the text."""
    return len(data) - len(data[start:].lstrip("\n"))
