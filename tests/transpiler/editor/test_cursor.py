"""The place of a cursor in texts that are being typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.problems import Position
from tests.transpiler.editor import with_cursor
from transpiler.editor.cursor import cursor_at, keys_beside, outline_of

PLACES = [
    ("sto\u00a6", (), "key", "sto"),
    ("variant: \u00a6", ("variant",), "value", ""),
    ("storage:\n  \u00a6", ("storage",), "key", ""),
    ("storage:\n  files:\n    - \u00a6", ("storage", "files", 0), "key", ""),
    ("storage:\n  files:\n    - path: /a\n    - pa\u00a6", ("storage", "files", 1), "key", "pa"),
    ("storage:\n  files:\n    - path: /a\n      mo\u00a6", ("storage", "files", 0), "key", "mo"),
    ("storage:\n  files:\n  - path: /a\n    mode: 06\u00a6", ("storage", "files", 0, "mode"), "value", "06"),
    ("storage:\n  files:\n  - path: /a\n  \u00a6", ("storage",), "key", ""),
    ("storage:\n  files:\n  - path: /a\n\u00a6", (), "key", ""),
    ("a:\n  - - \u00a6", ("a", 0, 0), "key", ""),
    ("a: {b: \u00a6", ("a", "b"), "value", ""),
    ("a: {b: 1, \u00a6", ("a",), "key", ""),
    ("a: {b: 1, c\u00a6}", ("a",), "key", "c"),
    ("a: [{b: 1}, {c\u00a6", ("a", 1), "key", "c"),
    ("a: [x, \u00a6", ("a", 1), "value", ""),
    ("- {a: {b: [1, \u00a6", (0, "a", "b", 1), "value", ""),
    ("a: |\n  text\n  mo\u00a6\nb: 1", ("a",), "text", "mo"),
    ("a: |\n  text\n\u00a6", (), "key", ""),
    ("a:\n  - |\n    text\n    \u00a6", ("a", 0), "text", ""),
    ("a: 'x: y'\n\"b c\":\n  \u00a6", ("b c",), "key", ""),
    ("a: x # b: \u00a6", ("a",), "value", "x # b: "),
]


@pytest.mark.parametrize(("text", "path", "kind", "word"), PLACES)
def test_places(text: str, path: tuple[str | int, ...], kind: str, word: str) -> None:
    document, at = with_cursor(text)
    cursor = cursor_at(document.lines, at)
    assert (cursor.path, cursor.kind, cursor.word) == (path, kind, word)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a: 1\n\u00a6\nb: 2\nc:\n  d: 3\n", {"a", "b", "c"}),
        ("f:\n  - a: 1\n    \u00a6\n    b: 2\n  - c: 3\n", {"a", "b"}),
        ("f:\n  - a\u00a6\n    b: 2\n  - c: 3\n", {"b"}),
        ("f: [{a: 1, \u00a6, b: 2}, {c: 3}]\n", {"a", "b"}),
    ],
)
def test_the_keys_beside_a_cursor(text: str, keys: set[str]) -> None:
    document, at = with_cursor(text)
    assert keys_beside(document.lines, at, cursor_at(document.lines, at)) == keys


def test_an_outline_has_the_blocks() -> None:
    outline = outline_of(["u:", "  - name: a # one", "    contents: |", "      [Unit]", "", "      X=1", "    x: y"])
    assert outline.values == {("u", 0, "name"): "a", ("u", 0, "x"): "y"}
    assert outline.blocks == {("u", 0, "contents"): (4, 6)}


@given(st.text(alphabet="ab:- #|{}[],'\"\n\t&*", max_size=60), st.integers(1, 8), st.integers(1, 20))
def test_no_text_is_too_odd(text: str, line: int, column: int) -> None:
    lines = text.split("\n")
    cursor = cursor_at(lines, Position(min(line, len(lines)), column))
    keys_beside(lines, Position(min(line, len(lines)), column), cursor)
