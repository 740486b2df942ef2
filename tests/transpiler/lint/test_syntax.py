"""Texts that are not YAML: the place of the mistake, and its explanation."""

from __future__ import annotations

import pytest

from transpiler.phases import transpile

HEAD = "variant: fcos\nversion: 1.5.0\n"
FILE = "storage:\n  files:\n    - path: /a\n      contents:\n"

NO_ANCHOR = "no anchor above has this name"
AFTER_QUOTE = "more text follows after the closing quote"
KEY_EXPECTED = "a key of the mapping above is expected here"
DEEPER = "this line is indented deeper than the line above, which already has a value"
BLOCK = "the text of this block is not indented"
BRACKET = "the bracket that begins here is not closed, or a comma is missing in it"
QUOTE = "the quote that begins here is not closed"
SPACE = "this character looks like a space, but is another character"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: *", 1, 4, "* begins an alias of an &anchor here"),
        ("a: [*]", 1, 5, "* begins an alias of an &anchor here"),
        ("a: &", 1, 4, "& begins an anchor here"),
        ("a: *b", 1, 4, NO_ANCHOR),
        ("a: x\nb: *c d", 2, 4, NO_ANCHOR),
        ("a: 'it's'", 1, 8, AFTER_QUOTE),
        ('a: "say "b" twice"', 1, 10, AFTER_QUOTE),
        ('a: "x" y', 1, 8, KEY_EXPECTED),
        ("a: x\n  b: y", 2, 3, DEEPER),
        ("a: x\n  - b: y", 2, 3, DEEPER),
        ("a: |\nb", 2, 1, BLOCK),
        (f"{FILE}        inline: |\n        x", 6, 9, BLOCK),
        (f"{FILE}        inline: |\n      x", 6, 7, BLOCK),
        ("a: [1, 2\nb: 3", 1, 4, BRACKET),
        ("a: [[1], {b: 1}\n", 1, 4, BRACKET),
        ("a: {b: 1", 1, 4, BRACKET),
        ("a: 'b\nc: d", 1, 4, QUOTE),
        ('a: b\nc: "d', 2, 4, QUOTE),
        ("a: @b", 1, 4, "a value cannot begin with this character"),
        ("a: b: c", 1, 5, "`: ` begins a mapping, which is not allowed here"),
        ("a:\tb\n\tc: d", 2, 1, "the indentation of this line has a tab"),
        ("a:\n  - b\n  c: d", 3, 3, "an element of the list above is expected here"),
        ("a: \u00a0b\u00a0: c", 1, 4, SPACE),
        ("a: !format {b} c", 1, 4, "the text of !format begins with a brace, so YAML reads a mapping"),
        ("mode = 3", 1, 6, "a colon separates a key and its value, not `=`"),
        ("a:\n  path /a\n  b: c", 2, 7, "a colon is missing after `path`"),
        ("path:/a", 1, 6, "a space is missing after `path:`"),
        ("a: b\n c: d\n-path: /a", 2, 2, DEEPER),
        ("a: {- b: c}", 1, 5, "elements in brackets have no dash before them"),
        ("a: [b, , c]", 1, 8, "a value is missing before this comma"),
        ("a: ]", 1, 4, "no bracket is open here"),
        ("a: [b, [c, }", 1, 8, "the bracket that begins here is closed by }"),
        ("a: {{ b }} c", 1, 4, "this looks like a template; transpile does not replace it"),
    ],
)
def test_a_syntax_error_is_explained_at_its_place(text: str, line: int, column: int, message: str) -> None:
    (found,) = transpile((HEAD + text).encode()).findings()
    assert found.at is not None
    assert (found.at.line - 2, found.at.column, found.problem.message) == (line, column, message)
