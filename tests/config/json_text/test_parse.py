"""JSON text: what is read, what is refused, where and why."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.json_text.parse import (
    _SLICE,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ELEMENTS,
    RepeatedKeys,
    _structure,
    parse_json,
)
from provision.config.json_text.tokens import tokens
from provision.config.problems import Position


def test_values_are_those_of_json() -> None:
    text = b'{"a": [1, -2.5e3, true, null, "\\u00e9\\n"], "b": {}}'
    assert parse_json(text).value == {"a": [1, -2500.0, True, None, "é\n"], "b": {}}


def test_repeated_keys_are_kept_in_order() -> None:
    value = parse_json(b'{"a": 1, "b": 2, "a": 3}').value
    assert isinstance(value, RepeatedKeys)
    assert value.pairs == [("a", 1), ("b", 2), ("a", 3)]
    assert value == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'"\xff"', "\ufffd"),
        (b'"\xe2\x82"', "\ufffd\ufffd"),
        (b'"\\ud800"', "\ufffd"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
    ],
)
def test_what_is_no_text_becomes_a_replacement_character(raw: bytes, text: str) -> None:
    assert parse_json(raw).value == text
    assert parse_json(b'{"a": [{' + raw + b": 1}, " + raw + b", 2]}").value == {"a": [{text: 1}, text, 2]}


def test_keys_that_become_equal_are_repeated_keys() -> None:
    value = parse_json(b'{"\\ud800": 1, "\\ud801": 2, "\\ud800": 3}').value
    assert isinstance(value, RepeatedKeys)
    assert value.pairs == [("\ufffd", 1), ("\ufffd", 2), ("\ufffd", 3)]
    different = parse_json(b'{"\\ud800": 1, "\\ud801": 2}').value
    assert isinstance(different, RepeatedKeys)


@pytest.mark.parametrize(
    ("raw", "message", "at"),
    [
        (b"", "unexpected end of JSON input", (1, 1)),
        (b" \n", "unexpected end of JSON input", (2, 1)),
        (b'{"a":1}x', "invalid character 'x' after top-level value", (1, 8)),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string", (1, 8)),
        (b"[1,]", "invalid character ']' looking for beginning of value", (1, 4)),
        (b'{"a" 1}', "invalid character '1' after object key", (1, 6)),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair", (1, 8)),
        (b"[1 2]", "invalid character '2' after array element", (1, 4)),
        (b"# x", "invalid character '#' looking for beginning of value", (1, 1)),
        (b"\xef\xbb\xbf{}", "invalid character 'ï' looking for beginning of value", (1, 1)),
        ('{"é": é}'.encode(), "invalid character 'Ã' looking for beginning of value", (1, 8)),
        (b'"a\nb"', "invalid character '\\n' in string literal", (1, 3)),
        (b'"\\x"', "invalid character 'x' in string escape code", (1, 3)),
        (b'"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape", (1, 6)),
        (b'"\\u00c9\\u": 1', "invalid character '\"' in \\u hexadecimal character escape", (1, 10)),
        (b'"abc', "unexpected end of JSON input", (1, 5)),
        (b"01", "invalid character '1' after top-level value", (1, 2)),
        (b"-x", "invalid character 'x' in numeric literal", (1, 2)),
        (b"1.x", "invalid character 'x' after decimal point in numeric literal", (1, 3)),
        (b"1e+x", "invalid character 'x' in exponent of numeric literal", (1, 4)),
        (b"1.", "unexpected end of JSON input", (1, 3)),
        (b"nul", "unexpected end of JSON input", (1, 4)),
        (b"trux", "invalid character 'x' in literal true (expecting 'e')", (1, 4)),
        (b"NaN", "invalid character 'N' looking for beginning of value", (1, 1)),
        (b"[-Infinity]", "invalid character 'I' in numeric literal", (1, 3)),
        (b"'a'", "invalid character '\\'' looking for beginning of value", (1, 1)),
    ],
)
def test_errors_have_the_words_of_go(raw: bytes, message: str, at: tuple[int, int]) -> None:
    problem = parse_json(raw).problem
    assert problem is not None
    assert (problem.message, problem.at) == (message, Position(*at))


def test_a_text_that_is_cut_anywhere_is_incomplete() -> None:
    whole = rb'{"a\u00e9": [-1.5e+7, true, false, null, "\\\"\u0041\n"]}'
    for length in range(len(whole)):
        problem = parse_json(whole[:length]).problem
        assert problem is not None, whole[:length]
        assert (problem.message, problem.at) == ("unexpected end of JSON input", Position(1, length + 1))


@given(st.binary() | st.text(alphabet='[]{}",:\\u019tfnul-+.eE \n').map(str.encode))
def test_both_parsers_agree_on_every_text(raw: bytes) -> None:
    parsed = parse_json(raw)
    try:
        json.loads(raw.decode(errors="surrogateescape"), parse_constant=lambda name: [][len(name)])
        fine = True
    except (ValueError, IndexError):
        fine = False
    assert (parsed.problem is None) == fine


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_tokens_cover_a_text(value: object) -> None:
    text = json.dumps(value, indent=1)
    pieces = [text[token.start : token.end] for token in tokens(text)]
    assert json.loads(" ".join(pieces)) == value


@pytest.mark.parametrize(
    ("raw", "limit"),
    [
        (b"[" * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
        (b'{"a":' * 1_000_000, f"nested deeper than {MAX_DEPTH} levels"),
        (b'"' + b"x" * MAX_BYTES + b'"', "larger than 32 MiB"),
        (b"[" + b"0," * MAX_ELEMENTS + b"0]", "more than 500,000 elements"),
        (b"[" + b"[]," * MAX_ELEMENTS + b"0]", "more than 500,000 elements"),
    ],
)
def test_bombs_are_refused_by_name_of_the_limit(raw: bytes, limit: str) -> None:
    problem = parse_json(raw).problem
    assert problem is not None
    assert limit in problem.message


def test_brackets_in_strings_are_no_depth() -> None:
    assert parse_json(b'["' + b"[" * 1000 + b'\\"' + b"{" * 1000 + b'"]').problem is None


def test_a_text_at_each_limit_is_read() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).problem is None
    assert parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)).problem
    assert parse_json(b'{"a":' * (MAX_DEPTH - 1) + b"{}" + b"}" * (MAX_DEPTH - 1)).problem is None
    assert parse_json(b'{"a":' * MAX_DEPTH + b"{}" + b"}" * MAX_DEPTH).problem
    assert parse_json(b"[" + b'[{"a":[]}],' * MAX_DEPTH + b"0]").problem is None
    assert parse_json(b"[" + b"0," * (MAX_ELEMENTS - 1) + b"0]").problem is None
    assert parse_json(b'"' + b"x" * (MAX_BYTES - 2) + b'"').problem is None
    assert parse_json(b'"' + b"x" * (MAX_BYTES - 1) + b'"').problem


def test_a_number_of_many_digits_is_refused_quickly() -> None:
    assert isinstance(parse_json(b"1" * 100_000).value, float)


def test_closed_brackets_do_not_raise_the_depth_limit() -> None:
    for closed in (b"{}", b"[]", b'[{"a":[]}]'):
        text = b"[" + (closed + b",") * 50 + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"]"
        problem = parse_json(text).problem
        assert problem
        assert "nested deeper" in problem.message


@pytest.mark.parametrize("place", range(-3, 4))
@pytest.mark.parametrize("backslashes", range(4))
def test_a_text_is_read_in_slices(backslashes: int, place: int) -> None:
    """The backslashes, a quote and a bracket lie around the end of a slice."""
    start = b'["' + b"x" * (_SLICE - 2 + place - backslashes)
    text = start + b"\\" * backslashes + b'"' + b"{,"
    assert b"".join(_structure(text)) == (b"[" if backslashes % 2 else b"[{,")
