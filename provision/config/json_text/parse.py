"""JSON text as bytes -> plain values; refused where Go's `encoding/json` refuses it, or beyond some limits.

The C parser of `json` reads every text. Only if it refuses a text, our own scanner reads it again and finds what is
wrong, and where. Nothing here recurses on its input: the depth is counted before parsing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import loads
from sys import getsizeof
from typing import Any, NamedTuple, NoReturn

from provision.config.problems import Problem

MAX_BYTES = 32 << 20
MAX_DEPTH = 200
MAX_ELEMENTS = 500_000
"""Limits of a config: within them, checking it takes at most 10 s and 200 MiB of memory."""


class RepeatedKeys(dict[str, Any]):
    """An object in which a key stands more than once: the last ones, as a dict, and all `pairs` in order."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


class ParsedJson(NamedTuple):
    """The value of a text, or the one problem that makes it unreadable."""

    value: Any
    problem: Problem | None = None


def parse_json(raw: bytes) -> ParsedJson:
    """Parse JSON; whatever is wrong with the text is returned as a problem, never raised."""
    if limit := _exceeded_limit(raw):
        return ParsedJson(
            None, Problem((), limit, hint="a config is never that large; split it, or fetch contents by URL")
        )
    text = raw.decode(errors="surrogateescape")
    if getsizeof(text) > 2 * MAX_BYTES:
        return ParsedJson(
            None, Problem((), _TOO_WIDE, hint="write characters beyond U+FFFF as escapes: \\ud83d\\ude00")
        )
    try:
        value = loads(text, object_pairs_hook=_object, parse_int=_integer, parse_constant=_refuse)
    except ValueError:
        return ParsedJson(None, _syntax_problem(text))
    return ParsedJson(replace_surrogates(value) if _may_hold_surrogates(raw, text) else value)


_TOO_WIDE = f"config takes more than {2 * MAX_BYTES >> 20} MiB of memory, because it has characters beyond U+FFFF"


def _exceeded_limit(raw: bytes) -> str:
    """Which limit the text exceeds, counted without parsing; empty if none."""
    if len(raw) > MAX_BYTES:
        return f"config is larger than {MAX_BYTES >> 20} MiB"
    elements = depth = 0
    for structure in _structure(raw):
        elements += len(structure) - structure.count(b"]") - structure.count(b"}")
        if elements > MAX_ELEMENTS:
            return f"config has more than {MAX_ELEMENTS:,} elements"
        for byte in structure.translate(None, b","):
            depth += _DEEPER[byte]
            if depth > MAX_DEPTH:
                return f"config is nested deeper than {MAX_DEPTH} levels"
    return ""


def _structure(raw: bytes) -> Iterator[bytes]:
    """The brackets, braces and commas outside strings, a slice of the text at a time."""
    rest, within = b"", False
    for start in range(0, len(raw), _SLICE):
        piece = rest + raw[start : start + _SLICE]
        rest = b"\\" if (len(piece) - len(piece.rstrip(b"\\"))) % 2 else b""
        piece = piece.removesuffix(rest).replace(b"\\\\", b"").replace(b'\\"', b"")
        parts = piece.translate(None, _WITHIN_VALUES).split(b'"')
        yield b"".join(parts[within::2])
        within ^= not len(parts) % 2


_SLICE = 1 << 16
_WITHIN_VALUES = bytes(set(range(256)) - set(b'"[]{},'))
_DEEPER = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else RepeatedKeys(pairs)


def _integer(digits: str) -> int | float:
    """A whole number. One far beyond 64 bits becomes a float, which is quick to make and which no field accepts."""
    return int(digits) if len(digits) < 25 else float(digits)


def _refuse(constant: str) -> NoReturn:
    """Refuse NaN and Infinity: Python's parser accepts them, but JSON does not have them."""
    raise ValueError(constant)


def _may_hold_surrogates(raw: bytes, text: str) -> bool:
    return (b"\\u" in raw and re.search(rb"\\u[dD][89a-fA-F]", raw) is not None) or (
        not raw.isascii() and re.search("[\ud800-\udfff]", text) is not None
    )


def replace_surrogates(value: Any) -> Any:
    """The value with U+FFFD in place of lone surrogates and of bytes that are not UTF-8, as Go reads them."""
    match value:
        case str():
            return re.sub("[\ud800-\udfff]", "\ufffd", value)
        case RepeatedKeys():
            return RepeatedKeys([(replace_surrogates(key), replace_surrogates(one)) for key, one in value.pairs])
        case dict():
            return _object([(replace_surrogates(key), replace_surrogates(one)) for key, one in value.items()])
        case list():
            return [replace_surrogates(one) for one in value]
    return value


def _syntax_problem(text: str) -> Problem:
    from provision.config.json_text.tokens import JsonFault, position, syntax_error

    bad = syntax_error(text) or JsonFault("invalid JSON", 0)
    return Problem((), bad.message, at=position(text, bad.offset), hint=_HINTS.get(bad.message, ""), rule="json-syntax")


_HINTS = {
    "unexpected end of JSON input": "the text is cut off: a bracket, brace or quote is not closed",
    "invalid character '}' looking for beginning of object key string": "remove the comma before the brace",
    "invalid character ']' looking for beginning of value": "remove the comma before the bracket",
    "invalid character '#' looking for beginning of value": "JSON has no comments",
    "invalid character '/' looking for beginning of value": "JSON has no comments",
    "invalid character 'ï' looking for beginning of value": "save the file as UTF-8 without a byte order mark",
}
