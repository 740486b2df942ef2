"""Which proxy is used: the rules of Go's httpproxy."""

from __future__ import annotations

import pytest

from provision.fetch.http.proxy import choose


@pytest.mark.parametrize(
    ("url", "rules", "direct"),
    [
        ("http://foo.com/", ("*",), True),
        ("http://foo.com/", ("foo.com",), True),
        ("http://FOO.com/", ("foo.COM",), True),
        ("http://a.foo.com/", ("foo.com",), True),
        ("http://afoo.com/", ("foo.com",), False),
        ("http://foo.com/", (".foo.com",), False),
        ("http://a.foo.com/", (".foo.com",), True),
        ("http://a.foo.com/", ("*.foo.com",), True),
        ("http://foo.com/", ("*.foo.com",), False),
        ("http://foo.com:8080/", ("foo.com:8080",), True),
        ("http://foo.com/", ("foo.com:8080",), False),
        ("http://foo.com/", ("foo.com:80",), True),
        ("http://10.1.2.3/", ("10.0.0.0/8",), True),
        ("http://11.1.2.3/", ("10.0.0.0/8",), False),
        ("http://10.1.2.3/", ("10.1.2.3",), True),
        ("http://10.1.2.3:81/", ("10.1.2.3:80",), False),
        ("http://[fd00::1]/", ("fd00::/16",), True),
        ("http://[fd00::1]/", ("fd00::1",), True),
        ("http://[fd00::1]:81/", ("[fd00::1]:81",), True),
        ("http://foo.com/", ("bar.com", " foo.com "), True),
        ("http://foo.com/", ("",), False),
        ("http://localhost/", (), True),
        ("http://127.0.0.9/", (), True),
        ("http://[::1]/", (), True),
    ],
)
def test_rules(url: str, rules: tuple[str, ...], direct: bool) -> None:
    assert choose(url, "http://proxy", "", rules) == ("" if direct else "http://proxy")


def test_each_scheme_has_its_own_proxy() -> None:
    assert choose("http://a/", "http://p", "http://q", ()) == "http://p"
    assert choose("https://a/", "http://p", "http://q", ()) == "http://q"
    assert choose("https://a/", "http://p", "", ()) == ""


def test_a_proxy_without_a_scheme_is_an_http_proxy() -> None:
    assert choose("http://a/", "proxy.example:3128", "", ()) == "http://proxy.example:3128"
