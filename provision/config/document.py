"""JSON text as bytes -> plain values, with the verdicts of Go's `encoding/json` and limits against bombs.

Everything is read by the C parser of `json`; only if that refuses, a scanner of our own goes over the text once more
and says what is wrong, where, in Go's words. Nothing here recurses on its input: the depth is counted before parsing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import loads
from typing import Any, NamedTuple, NoReturn

from provision.config.problems import Position, Problem

MAX_BYTES = 64 << 20
MAX_DEPTH = 200
MAX_ELEMENTS = 1_000_000


class Repeated(dict[str, Any]):
    """An object in which a key stands more than once: the last ones, as a dict, and all `pairs` in order."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


class Document(NamedTuple):
    """What a text holds, or the one problem that made it unreadable."""

    value: Any
    problem: Problem | None = None


class Token(NamedTuple):
    """A piece of JSON: `kind` is one of `{ } [ ] : ,`, `k` (a key), `"` (a string), `0` (a number), `t` (a word)."""

    kind: str
    start: int
    end: int


class SyntaxFault(NamedTuple):
    """Why a text is not JSON, in Go's words, and the offset of the offending character (or the end of the text)."""

    message: str
    offset: int


class _Malformed(Exception):
    """Carries a fault out of the scanner."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.fault = SyntaxFault(message, offset)


def read(raw: bytes) -> Document:
    """Parse JSON; whatever is wrong with the text is returned as a problem, never raised."""
    if limit := _bomb(raw):
        return Document(
            None, Problem((), limit, hint="a config is never that large; split it, or fetch contents by URL")
        )
    text = raw.decode(errors="surrogateescape")
    try:
        value = loads(text, object_pairs_hook=_object, parse_int=_integer, parse_constant=_refuse)
    except ValueError:
        return Document(None, _syntax_problem(text))
    return Document(mended(value) if _may_hold_surrogates(raw, text) else value)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a valid JSON text, in order."""
    yield from _scan(text)


def syntax_error(text: str) -> SyntaxFault | None:
    """What is wrong with a text as JSON, if anything."""
    try:
        for _ in _scan(text):
            pass
    except _Malformed as malformed:
        return malformed.fault
    return None


def position(text: str, offset: int) -> Position:
    """Line and byte column of a character of the text, both from 1."""
    start = text.rfind("\n", 0, offset) + 1
    return Position(text.count("\n", 0, offset) + 1, len(text[start:offset].encode(errors="surrogateescape")) + 1)


def _bomb(raw: bytes) -> str:
    """Which limit the text breaks, counted without parsing; empty if none."""
    if len(raw) > MAX_BYTES:
        return f"config is larger than {MAX_BYTES >> 20} MiB"
    bare = re.sub(rb"\\.", b"", raw, flags=re.DOTALL) if b"\\" in raw else raw
    bare = re.sub(rb'"[^"]*"?', b"", bare.translate(None, _WITHIN_VALUES))
    if len(bare) - bare.count(b"]") - bare.count(b"}") > MAX_ELEMENTS:
        return f"config has more than {MAX_ELEMENTS:,} elements"
    depth = 0
    for byte in bare.translate(None, b","):
        depth += _DEEPER.get(byte, 0)
        if depth > MAX_DEPTH:
            return f"config is nested deeper than {MAX_DEPTH} levels"
    return ""


_WITHIN_VALUES = bytes(set(range(256)) - set(b'"[]{},'))
_DEEPER = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else Repeated(pairs)


def _integer(digits: str) -> int | float:
    """A whole number; one far beyond 64 bits becomes a float, which no field accepts (and which is quick to make)."""
    return int(digits) if len(digits) < 25 else float(digits)


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity, which Python's parser accepts and JSON has not."""
    raise ValueError(constant)


def _may_hold_surrogates(raw: bytes, text: str) -> bool:
    return (b"\\u" in raw and re.search(rb"\\u[dD][89a-fA-F]", raw) is not None) or (
        not raw.isascii() and re.search("[\ud800-\udfff]", text) is not None
    )


def mended(value: Any) -> Any:
    """The value with every lone surrogate and every byte that is no UTF-8 as U+FFFD, as Go reads them."""
    match value:
        case str():
            return re.sub("[\ud800-\udfff]", "\ufffd", value)
        case Repeated():
            return Repeated([(mended(key), mended(one)) for key, one in value.pairs])
        case dict():
            return _object([(mended(key), mended(one)) for key, one in value.items()])
        case list():
            return [mended(one) for one in value]
    return value


def _syntax_problem(text: str) -> Problem:
    bad = syntax_error(text) or SyntaxFault("invalid JSON", 0)
    return Problem((), bad.message, at=position(text, bad.offset), hint=_SYNTAX_HINTS.get(bad.message, ""))


_SYNTAX_HINTS = {
    "unexpected end of JSON input": "the text is cut off: a bracket, brace or quote is not closed",
    "invalid character '}' looking for beginning of object key string": "remove the comma before the brace",
    "invalid character ']' looking for beginning of value": "remove the comma before the bracket",
    "invalid character '#' looking for beginning of value": "JSON has no comments",
    "invalid character '/' looking for beginning of value": "JSON has no comments",
    "invalid character 'ï' looking for beginning of value": "save the file as UTF-8 without a byte order mark",
}

_SPACE = r"[ \t\r\n]*"
# No possessive quantifiers here: before Python 3.11.5 they take what does not match (gh-106052).
_STRING = r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_WORD = r"true|false|null"

_VALUE = "looking for beginning of value"
_KEY = "looking for beginning of object key string"


def _scan(text: str) -> Iterator[Token]:
    """The tokens of a text; raises _Malformed at the first character that Go's scanner would not take."""
    closers: list[str] = []
    offset, expected = 0, _VALUE
    while True:
        offset = _end(_SPACE, text, offset)
        if offset == len(text) and not (expected == _END and not closers):
            raise _Malformed("unexpected end of JSON input", offset)
        if offset == len(text):
            return
        token = _token(text, offset, expected, closers)
        yield token
        offset, expected = token.end, _after(token, closers)


_END = "after top-level value"
_COLON = "after object key"
_FIRST_KEY, _FIRST_VALUE = f"{_KEY} or end", f"{_VALUE} or end"


def _token(text: str, offset: int, expected: str, closers: list[str]) -> Token:
    first = text[offset]
    if expected in {_KEY, _FIRST_KEY}:
        if first == "}" and expected == _FIRST_KEY:
            return Token(first, offset, offset + 1)
        if first != '"':
            raise _unexpected(text, offset, _KEY)
        return Token("k", offset, _string_end(text, offset))
    if expected in {_VALUE, _FIRST_VALUE}:
        if first == "]" and expected == _FIRST_VALUE:
            return Token(first, offset, offset + 1)
        return _value(text, offset)
    if expected == _COLON and first == ":":
        return Token(first, offset, offset + 1)
    if expected.startswith("after ") and closers and expected != _COLON and first in {",", closers[-1]}:
        return Token(first, offset, offset + 1)
    raise _unexpected(text, offset, expected)


def _after(token: Token, closers: list[str]) -> str:
    """What may follow a token; keeps the stack of open brackets."""
    if token.kind in {"{", "["}:
        closers.append("}" if token.kind == "{" else "]")
        return _FIRST_KEY if token.kind == "{" else _FIRST_VALUE
    if token.kind == ":":
        return _VALUE
    if token.kind == "," and closers:
        return _KEY if closers[-1] == "}" else _VALUE
    if token.kind == "k":
        return _COLON
    if token.kind in {"}", "]"}:
        closers.pop()
    if not closers:
        return _END
    return "after object key:value pair" if closers[-1] == "}" else "after array element"


def _value(text: str, offset: int) -> Token:
    first = text[offset]
    if first in "{[":
        return Token(first, offset, offset + 1)
    if first == '"':
        return Token(first, offset, _string_end(text, offset))
    if first in "-0123456789":
        return Token("0", offset, _number_end(text, offset))
    if first in "tfn":
        return Token("t", offset, _word_end(text, offset))
    raise _unexpected(text, offset, _VALUE)


def _string_end(text: str, start: int) -> int:
    if match := re.compile(_STRING).match(text, start):
        return match.end()
    offset = start + 1
    while offset < len(text):
        if text[offset] < " ":
            raise _unexpected(text, offset, "in string literal")
        if text[offset] == "\\":
            offset = _escape_end(text, offset)
        elif text[offset] == '"':
            return offset + 1
        else:
            offset += 1
    raise _Malformed("unexpected end of JSON input", len(text))


def _escape_end(text: str, start: int) -> int:
    if start + 1 >= len(text):
        raise _Malformed("unexpected end of JSON input", len(text))
    if text[start + 1] != "u":
        if text[start + 1] not in '"\\/bfnrt':
            raise _unexpected(text, start + 1, "in string escape code")
        return start + 2
    for offset in range(start + 2, start + 6):
        if offset >= len(text):
            raise _Malformed("unexpected end of JSON input", len(text))
        if text[offset] not in "0123456789abcdefABCDEF":
            raise _unexpected(text, offset, "in \\u hexadecimal character escape")
    return start + 6


def _number_end(text: str, start: int) -> int:
    match = re.compile(_NUMBER).match(text, start)
    offset = match.end() if match else start + 1
    following = text[offset : offset + 1]
    if match is None:
        place = "in numeric literal"
    elif following == "." and not re.search(r"[.eE]", match[0]):
        offset, place = offset + 1, "after decimal point in numeric literal"
    elif following in {"e", "E"} and not re.search(r"[eE]", match[0]):
        offset, place = offset + 1, "in exponent of numeric literal"
        offset += text[offset : offset + 1] in {"+", "-"}
    else:
        return offset
    if offset >= len(text):
        raise _Malformed("unexpected end of JSON input", len(text))
    raise _unexpected(text, offset, place)


def _word_end(text: str, start: int) -> int:
    if match := re.compile(_WORD).match(text, start):
        return match.end()
    word = next(one for one in ("true", "false", "null") if one[0] == text[start])
    for index, letter in enumerate(word):
        if start + index >= len(text):
            raise _Malformed("unexpected end of JSON input", len(text))
        if text[start + index] != letter:
            raise _unexpected(text, start + index, f"in literal {word} (expecting '{letter}')")
    raise AssertionError(word)


def _end(pattern: str, text: str, offset: int) -> int:
    match = re.compile(pattern).match(text, offset)
    return match.end() if match else offset


def _unexpected(text: str, offset: int, place: str) -> _Malformed:
    """Go names the first byte of the character, as Latin-1."""
    place = {_FIRST_KEY: _KEY, _FIRST_VALUE: _VALUE}.get(place, place)
    byte = chr(text[offset].encode(errors="surrogateescape")[0])
    shown = {"'": "\\'", "\\": "\\\\", '"': '"'}.get(byte) or (byte if byte.isprintable() else repr(byte)[1:-1])
    return _Malformed(f"invalid character '{shown}' {place}", offset)
