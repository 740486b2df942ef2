"""Scalars of a MachineConfig as yaml.v3 writes them."""

from __future__ import annotations

from functools import cmp_to_key

import pytest
import yaml

from transpiler.butane.machine_config import _compare, _double, _text

AT_BOUNDS = (
    *("\x00", "\x06", "\x0e", "\x1b", "\x1f", " ", "~", "\x7f", "\x84", "\x85", "\x86", "\x9f", "\xa0", "\u2027"),
    *("\u2028", "\u2029", "\u202a", "\ud7ff", "\ue000", "\ufefe", "\ufeff", "\uff00", "\ufffd", "\ufffe", "\uffff"),
    *("\U00010000", "\U0010ffff"),
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\x00\x07\x1b", r"\0\a\e"),
        ("\x01\x7f\x80", r"\x01\x7F\x80"),
        ("\x85\u2028\u2029", r"\N\L\P"),
        ("\ufeff\uffff", r"\uFEFF\uFFFF"),
        ("\U00010000\U0010ffff", r"\U00010000\U0010FFFF"),
        ('"\\\n\t', r"\"\\\n\t"),
        (" ~\xa0\ue000\ufffd", " ~\xa0\ue000\ufffd"),
    ],
)
def test_characters_that_yaml_cannot_hold_are_escaped(text: str, written: str) -> None:
    assert _double(text) == f'"{written}"'


@pytest.mark.parametrize("char", AT_BOUNDS, ids=ascii)
def test_every_character_is_read_back(char: str) -> None:
    for text in (char, f"a{char}", f"{char}a", f"a{char}b"):
        for simple in (True, False):
            assert yaml.safe_load("- " + "\n".join(_text(text, 0, simple=simple))) == [text]


IN_ORDER = [
    "-1", "-10", "0", "00", "1", "1a", "01", "2", "2a", "10", "10a", "010", "B", "a", "a-1", "a-2", "a-10", "a.b",
    "a0", "a1", "a1b", "a1-", "a1.5", "a1.10", "a01", "a2", "a9", "a09", "a009", "a10", "a10b", "a10-0", "a20", "a100",
    "a101", "a110", "a1001", "ab", "b", "x9y1", "x10y2", "x10y10", "z/1", "z/10", "é1", "é10",
]  # fmt: skip
"""Keys as Butane sorts them."""


def test_keys_have_their_natural_order() -> None:
    assert sorted(sorted(IN_ORDER), key=cmp_to_key(_compare)) == IN_ORDER
    for index, first in enumerate(IN_ORDER):
        assert [_compare(first, second) for second in IN_ORDER[index:]] == [0] + [-1] * (len(IN_ORDER) - index - 1)
