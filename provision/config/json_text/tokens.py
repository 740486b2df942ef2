"""The tokens of a JSON text, and the reason why a text is not JSON, in the words of Go's `encoding/json`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from provision.config.problems import Position


class Token(NamedTuple):
    """A piece of JSON: `kind` is one of `{ } [ ] : ,`, `k` (a key), `"` (a string), `0` (a number), `t` (a word).

    `start` and `end` are offsets in characters.
    """

    kind: str
    start: int
    end: int


class JsonFault(NamedTuple):
    """Why a text is not JSON, in Go's words, and the offset in characters at which it is wrong or ends."""

    message: str
    offset: int


class _InvalidJson(Exception):
    """Carries a fault out of the scanner."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.fault = JsonFault(message, offset)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a valid JSON text, in order."""
    yield from _tokens(text)


def syntax_error(text: str) -> JsonFault | None:
    """The first syntax error of a text; None if it is JSON."""
    try:
        for _ in _tokens(text):
            pass
    except _InvalidJson as invalid:
        return invalid.fault
    return None


def position(text: str, offset: int) -> Position:
    """Line and byte column of a character of the text, both from 1."""
    start = text.rfind("\n", 0, offset) + 1
    return Position(text.count("\n", 0, offset) + 1, len(text[start:offset].encode(errors="surrogateescape")) + 1)


_compiled = cache(re.compile)
"""A pattern is compiled when a text first needs it. `re.compile` has a cache too, but takes ten times as long."""

_SPACE = r"[ \t\r\n]*"
_IN_STRING = r'(?:[^"\\\x00-\x1f]+|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){0,1000}'
"""Characters and escapes of a string; bounded, because the engine remembers each repetition."""
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_WORD = r"true|false|null"

_VALUE = "looking for beginning of value"
_KEY = "looking for beginning of object key string"


def _tokens(text: str) -> Iterator[Token]:
    """The tokens of a text; raises _InvalidJson at the first character that Go's scanner refuses."""
    closers: list[str] = []
    offset, expected = 0, _VALUE
    while True:
        if text[offset : offset + 1].isspace():
            offset = _end(_SPACE, text, offset)
        if offset == len(text) and not (expected == _END and not closers):
            raise _InvalidJson("unexpected end of JSON input", offset)
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
    offset = start + 1
    while (offset := _end(_IN_STRING, text, offset)) < len(text):
        if text[offset] < " ":
            raise _unexpected(text, offset, "in string literal")
        if text[offset] == '"':
            return offset + 1
        if text[offset] == "\\":
            offset = _escape_end(text, offset)
    raise _InvalidJson("unexpected end of JSON input", len(text))


def _escape_end(text: str, start: int) -> int:
    if start + 1 >= len(text):
        raise _InvalidJson("unexpected end of JSON input", len(text))
    if text[start + 1] != "u":
        if text[start + 1] not in '"\\/bfnrt':
            raise _unexpected(text, start + 1, "in string escape code")
        return start + 2
    for offset in range(start + 2, start + 6):
        if offset >= len(text):
            raise _InvalidJson("unexpected end of JSON input", len(text))
        if text[offset] not in "0123456789abcdefABCDEF":
            raise _unexpected(text, offset, "in \\u hexadecimal character escape")
    return start + 6


def _number_end(text: str, start: int) -> int:
    match = _compiled(_NUMBER).match(text, start)
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
        raise _InvalidJson("unexpected end of JSON input", len(text))
    raise _unexpected(text, offset, place)


def _word_end(text: str, start: int) -> int:
    if match := _compiled(_WORD).match(text, start):
        return match.end()
    word = next(one for one in ("true", "false", "null") if one[0] == text[start])
    for index, letter in enumerate(word):
        if start + index >= len(text):
            raise _InvalidJson("unexpected end of JSON input", len(text))
        if text[start + index] != letter:
            raise _unexpected(text, start + index, f"in literal {word} (expecting '{letter}')")
    raise AssertionError(word)


def _end(pattern: str, text: str, offset: int) -> int:
    match = _compiled(pattern).match(text, offset)
    return match.end() if match else offset


def _unexpected(text: str, offset: int, place: str) -> _InvalidJson:
    """The fault at an unexpected character. Go names its first byte, read as Latin-1."""
    place = {_FIRST_KEY: _KEY, _FIRST_VALUE: _VALUE}.get(place, place)
    byte = chr(text[offset].encode(errors="surrogateescape")[0])
    shown = {"'": "\\'", "\\": "\\\\", '"': '"'}.get(byte) or (byte if byte.isprintable() else repr(byte)[1:-1])
    return _InvalidJson(f"invalid character '{shown}' {place}", offset)
