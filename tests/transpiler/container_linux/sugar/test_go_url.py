"""URLs as Go writes them. The answers are those of ct."""

from __future__ import annotations

import pytest

from transpiler.container_linux.sugar.go_url import as_go_writes


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("https://example.com/a", None),
        ("HTTPS://Example.com/a b", "https://Example.com/a%20b"),
        ("http://h/{b}?q=a b#c d", "http://h/%7Bb%7D?q=a b#c%20d"),
        ("http://h/%7Efoo", None),
        ("http://h/a!b*c'(d)", None),
        ("http://h/#", "http://h/"),
        ("http://h/?", None),
        ("http:", None),
        ("http://", "http:"),
        ("http:///p", None),
        ("http://u:p@h:80/", None),
        ("data:,a b", None),
        ("oem:///x", None),
        ("//h/p", None),
        ("a/b", None),
        ("http://h/é", "http://h/%C3%A9"),
    ],
)
def test_urls(text: str, written: str | None) -> None:
    assert as_go_writes(text) == (text if written is None else written)


@pytest.mark.parametrize("text", ["://x", "http://a b/", "http://h/a%zz", ":", "http://h:x/"])
def test_what_go_cannot_parse(text: str) -> None:
    assert as_go_writes(text) is None
