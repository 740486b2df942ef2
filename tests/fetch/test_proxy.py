"""Which proxy is used: the rules of Go's httpproxy, and a real proxy (tinyproxy) for both kinds of URLs."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.fetch import network
from provision.fetch.client import Client
from provision.fetch.messages import Request
from provision.fetch.proxy import choose
from provision.fetch.settings import Settings
from tests.fetch.certificates import Authority
from tests.fetch.conftest import Words
from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.server import Answer, serve


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


@contextmanager
def tinyproxy(directory: Path) -> Iterator[str]:
    config = directory / "tinyproxy.conf"
    log = directory / "tinyproxy.log"
    config.write_text(
        f'Port 3128\nListen 10.9.0.9\nTimeout 10\nMaxClients 20\nLogFile "{log}"\nBasicAuth canaryuser canarypass\n'
    )
    child = subprocess.Popen(["tinyproxy", "-d", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield "http://canaryuser:canarypass@10.9.0.9:3128"
    finally:
        child.terminate()
        child.wait()


@pytest.mark.disks
@pytest.mark.peer
@needs_root
@pytest.mark.skipif(not shutil.which("tinyproxy"), reason="needs tinyproxy")
def test_a_real_proxy_with_a_password_for_http_and_https(tmp_path: Path, words: Words, ca: Authority) -> None:
    tmp_path.chmod(0o777)

    def body() -> list[bytes]:
        with (
            serve({"/a": Answer(b"plain")}, "10.9.0.2", 80) as plain,
            serve({"/a": Answer(b"safe")}, "10.9.0.2", 443, ca.issue("far.example")) as safe,
            tinyproxy(tmp_path) as proxy,
        ):
            assert network.route_exists("10.9.0.2")
            settings = Settings(
                http_total=5,
                http_proxy=proxy,
                https_proxy=proxy,
                authorities=(ca.certificate,),
                no_proxy=("10.9.0.0/31",),
            )
            client = Client(settings, words)
            got = [client.read(Request(f"{scheme}://far.example/a")) for scheme in ("http", "https")]
            assert plain.asked[0].headers.get("via", "").endswith("(tinyproxy/1.11.1)")
            assert "proxy-authorization" not in {**plain.asked[0].headers, **safe.asked[0].headers}
            return got

    hosts = "10.9.0.2 far.example\n"
    assert in_namespace(body, "10.9.0.2/32", "10.9.0.9/32", hosts=hosts) == [b"plain", b"safe"]
    assert "canary" not in str(words)
