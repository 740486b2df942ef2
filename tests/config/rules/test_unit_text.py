"""The text of units."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.rules.unit_text import BadUnit, _options, _Reader, sections_with_options


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("", set()),
        ("no section = at all", set()),
        ("[Unit]\n", set()),
        ("[Unit]\nA=1\n[Install]\n", {"Unit"}),
        ("[Unit]\n  A = 1 \\\n [Install]\n[Service]\nB=", {"Unit", "Service"}),
        ("# [Unit]\n; \\\n[X]\n[Install]\nA=1", {"Install"}),
        ("[Two\nLines]\nA=1", {"Two\nLines"}),
        *((f"[a{char}]\n{char}={char}\\\n{char}", {f"a{char}"}) for char in ("\x7f", "\x80", "\u07ff", "\u0800")),
        *((f"[a{char}]\n{char}={char}\\\n{char}", {f"a{char}"}) for char in ("\uffff", "\U00010000", "\U0010ffff")),
        ("[Unit]\n=1", {"Unit"}),
        ("[Unit]\nA=\\", {"Unit"}),
        *(("[Unit]\nA=" + "x" * 2045 + end, {"Unit"}) for end in ("", "\n", "\r\n", "\nB=1\n")),
        ("[Unit]\n#" + "x" * 2040 + "\nA=" + "x" * 3000, {"Unit"}),  # 2,047 bytes of the line are in the first window
    ],
)
def test_sections_with_options(text: str, sections: set[str]) -> None:
    assert sections_with_options(text) == sections


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[Unit", "unable to find end of section"),
        ("[Unit] hunter2", "found garbage after section name"),
        ("[Unit]\nA\n", "unexpected newline encountered while parsing option name"),
        ("[Unit]\nA", "EOF"),
        *(("[Unit]\nA=" + "x" * 2046 + end, "line too long (max 2048 bytes)") for end in ("", "\n", "\r\n", "\nB=1\n")),
        ("[Unit]\n#" + "x" * 2039 + "\nA=" + "x" * 3000, "line too long (max 2048 bytes)"),
    ],
)
def test_bad_text(text: str, message: str) -> None:
    with pytest.raises(BadUnit) as raised:
        sections_with_options(text)
    assert str(raised.value) == message


@given(st.text(alphabet="[]=#;\\ \nA\x85é") | st.text())
def test_no_text_is_too_odd(text: str) -> None:
    with suppress(BadUnit):
        sections_with_options(text)


PIECES = (
    "[Unit]\n",
    "[S]",
    "A=b\n",
    "=",
    "\\",
    "\n",
    "\r\n",
    " ",
    "# x \\ \n",
    "; c\n",
    "a\\\n",
    "\x85",
    " b = c\\\n",
    "[",
    "]",
)


def outcome(text: str, *, in_windows: bool) -> object:
    reader = _Reader(text.encode())
    if in_windows:
        reader.has_long_line, reader.ahead = True, 0
    try:
        return set(_options(reader))
    except BadUnit as error:
        return str(error), reader.text.count(b"\n", 0, reader.start)


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_a_text_of_short_lines_is_read_as_in_windows(text: str) -> None:
    """Reading many lines at once gives the same result as reading like Ignition's lexer."""
    assert outcome(text, in_windows=False) == outcome(text, in_windows=True)


@pytest.mark.parametrize("line", ["A=b\n", "=\n", "#\n", " \n", "[]\n", "\\\n", "a\\ \n", "\u00e9=\n"], ids=repr)
def test_millions_of_lines_are_read_quickly(line: str) -> None:
    with suppress(BadUnit):
        sections_with_options("[Unit]\nA=" + "\n" + line * 1_000_000)
