"""A real proxy (tinyproxy) that demands a password, for http and https URLs."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest

from provision.failures import FetchFailed
from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Request
from provision.fetch.settings import FetchSettings
from tests.fetch.certificates import Authority
from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.server import Answer, Asked, serve
from tests.recorded_log import RecordedLog

pytestmark = [
    pytest.mark.disks,
    pytest.mark.peer,
    pytest.mark.skipif(not shutil.which("tinyproxy"), reason="needs tinyproxy"),
    needs_root,
]

T = TypeVar("T")
PAGE = "/a?key=canary"


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


def behind(proxy: str, log: RecordedLog, ca: Authority, **settings: Any) -> Client:
    asked = {"http_total": 3, "http_proxy": proxy, "https_proxy": proxy, "authorities": (ca.certificate,), **settings}
    return Client(FetchSettings(**asked), log)


class Far(NamedTuple):
    """The requests that servers behind the proxy got."""

    plain: list[Asked]
    safe: list[Asked]


@contextmanager
def far_servers(ca: Authority) -> Iterator[Far]:
    """http and https at far.example."""
    with (
        serve({PAGE: Answer(b"plain")}, "10.9.0.2", 80) as plain,
        serve({PAGE: Answer(b"safe")}, "10.9.0.2", 443, ca.issue("far.example")) as safe,
    ):
        yield Far(plain.asked, safe.asked)


def around(body: Callable[[], T]) -> T:
    """Run a function in the namespace of the proxy and of far.example."""
    return in_namespace(body, "10.9.0.2/32", "10.9.0.9/32", hosts="10.9.0.2 far.example\n")


BOTH = tuple(Request(f"{scheme}://far.example{PAGE}") for scheme in ("http", "https"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o777)
    return tmp_path


def test_it_is_used_for_http_and_https(folder: Path, log: RecordedLog, ca: Authority) -> None:
    def body() -> tuple[list[bytes], Far]:
        with far_servers(ca) as far, tinyproxy(folder) as proxy:
            client = behind(proxy, log, ca, no_proxy=("10.9.0.0/31",))
            return [client.read(request) for request in BOTH], far

    got, far = around(body)
    assert got == [b"plain", b"safe"]
    assert "(tinyproxy/" in far.plain[0].headers["via"]
    assert "proxy-authorization" not in {**far.plain[0].headers, **far.safe[0].headers}
    assert "canary" not in str(log)


def test_it_is_left_aside_where_the_config_says_so(folder: Path, log: RecordedLog, ca: Authority) -> None:
    def body() -> Far:
        with far_servers(ca) as far, tinyproxy(folder) as proxy:
            client = behind(proxy, log, ca, no_proxy=("example",))
            assert [client.read(request) for request in BOTH] == [b"plain", b"safe"]
            return far

    assert "via" not in around(body).plain[0].headers
    assert "CONNECT" not in (folder / "tinyproxy.log").read_text()


@pytest.mark.parametrize("request_", BOTH, ids=["http", "https"])
def test_a_wrong_password_is_said(folder: Path, log: RecordedLog, ca: Authority, request_: Request) -> None:
    def body() -> None:
        with far_servers(ca), tinyproxy(folder) as proxy:
            behind(proxy.replace("canarypass", "canaryother"), log, ca).read(request_)

    with pytest.raises(FetchFailed) as failed:
        around(body)
    assert "HTTP status 401" in failed.value.cause or "HTTP status 407" in failed.value.cause
    assert "credentials" in failed.value.hint or "correct user and password" in failed.value.hint
    assert "canary" not in f"{log}{failed.value.message}{failed.value.hint}"


@pytest.mark.parametrize("request_", BOTH, ids=["http", "https"])
def test_a_server_that_the_proxy_does_not_reach(
    folder: Path, log: RecordedLog, ca: Authority, request_: Request
) -> None:
    def body() -> None:
        with tinyproxy(folder) as proxy:
            behind(proxy, log, ca, http_total=4).read(request_)

    with pytest.raises(FetchFailed, match="HTTP status 50"):
        around(body)


@pytest.mark.parametrize("request_", BOTH, ids=["http", "https"])
def test_one_that_does_not_run_is_named(log: RecordedLog, ca: Authority, request_: Request) -> None:
    def body() -> None:
        behind("http://canaryuser:canarypass@10.9.0.9:3128", log, ca, http_total=0.5).read(request_)

    with pytest.raises(FetchFailed, match=r"through the proxy http://10\.9\.0\.9:3128: Connection refused") as failed:
        around(body)
    assert "canary" not in f"{log}{failed.value.message}{failed.value.hint}"


def test_a_proxy_may_speak_tls_itself(log: RecordedLog, ca: Authority) -> None:
    with serve({"http://far.example/a": Answer(b"by proxy")}, tls=ca.issue("localhost")) as proxy:
        assert behind(proxy.url, log, ca).read(Request("http://far.example/a")) == b"by proxy"
