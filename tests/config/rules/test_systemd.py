"""Names in messages are quoted as Go quotes them."""

from __future__ import annotations

import pytest

from provision.config.rules.systemd import quoted, suffix


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a é", '"a é"'),
        ('\a\b\f\n\r\t\v"\\', r'"\a\b\f\n\r\t\v\"\\"'),
        ("\0\x1f\x7f", r'"\x00\x1f\x7f"'),
        ("\x80\u200b\uffff", r'"\u0080\u200b\uffff"'),
        ("\U000e0001", r'"\U000e0001"'),
        (b"\x80\xff".decode(errors="surrogateescape"), r'"\x80\xff"'),
    ],
)
def test_unprintable_characters_are_escaped(text: str, shown: str) -> None:
    """Source: appendEscapedRune of Go's strconv."""
    assert quoted(text) == shown


def test_the_suffix_begins_at_the_last_dot_of_the_last_part() -> None:
    assert [suffix(name) for name in ("a.b.service", "a.d/b", ".conf", "a.", "")] == [".service", "", ".conf", ".", ""]
