"""HTTP against real servers on loopback: final errors, retries, trusted certificates, and messages."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from provision.failures import FetchFailed, NeedsNetwork
from provision.fetch.http.client import ACCEPT, Client, NotFoundError
from provision.fetch.http.http_types import Request
from provision.fetch.settings import FetchSettings
from tests.fetch.certificates import Authority
from tests.fetch.server import Answer, Talk, says, serve, talking
from tests.recorded_log import RecordedLog


def client(log: RecordedLog, **settings: Any) -> Client:
    return Client(FetchSettings(**{"http_total": 5.0, **settings}), log)


def with_user(url: str) -> str:
    return url.replace("//", "//canary1:canary2@")


def test_default_headers_are_those_that_servers_of_configs_read(log: RecordedLog) -> None:
    with serve({"/a": Answer(b"hello")}) as served:
        assert client(log).read(Request(f"{served.url}/a")) == b"hello"
    headers = served.asked[0].headers
    assert headers["accept"] == ACCEPT
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("Ignition/")


def test_own_headers_replace_defaults_whatever_their_case_but_never_the_host(log: RecordedLog) -> None:
    with serve({"/a": Answer(b"")}) as served:
        own = (("ACCEPT", "text/plain"), ("X-One", "1"), ("Host", "elsewhere"))
        client(log).read(Request(f"{served.url}/a", own))
    headers = served.asked[0].headers
    assert (headers["accept"], headers["x-one"]) == ("text/plain", "1")
    assert headers["host"].startswith("127.0.0.1")


def test_no_content_is_a_good_answer(log: RecordedLog) -> None:
    with serve({"/a": Answer(status=204)}) as served:
        assert client(log).read(Request(f"{served.url}/a")) == b""


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_servers_in_trouble_are_asked_again(log: RecordedLog, status: int) -> None:
    with serve({"/a": [Answer(b"busy", status), Answer(b"well")]}) as served:
        assert client(log).read(Request(f"{served.url}/a")) == b"well"
    assert f"GET error: HTTP status {status}" in str(log)


@pytest.mark.parametrize("status", [206, 400, 401, 403, 410])
def test_other_statuses_are_final_and_say_what_the_server_says(log: RecordedLog, status: int) -> None:
    with serve({"/a": Answer(b"not\x00 for\nyou", status)}) as served, pytest.raises(FetchFailed) as failed:
        client(log).read(Request(f"{served.url}/a"))
    assert f"HTTP status {status}" in failed.value.message
    assert "not for you" in failed.value.message
    assert len(served.asked) == 1


def test_not_found_is_its_own_failure(log: RecordedLog) -> None:
    with serve({}) as served, pytest.raises(NotFoundError, match="resource not found"):
        client(log).read(Request(f"{served.url}/a"))


def test_statuses_that_mean_not_yet_on_a_platform_are_asked_again(log: RecordedLog) -> None:
    with serve({"/a": [Answer(status=410), Answer(b"now")]}) as served:
        assert client(log).read(Request(f"{served.url}/a", retried=frozenset({410}))) == b"now"


def test_a_broken_body_is_fetched_again_from_the_start(log: RecordedLog) -> None:
    with serve({"/a": [Answer(b"first ha", missing=10), Answer(b"whole body")]}) as served:
        assert client(log).read(Request(f"{served.url}/a")) == b"whole body"


def test_time_for_everything_is_bounded(log: RecordedLog) -> None:
    began = time.monotonic()
    with serve({"/a": Answer(b"", 500)}) as served, pytest.raises(FetchFailed) as failed:
        client(log, http_total=1.0).read(Request(f"{served.url}/a"))
    assert 0.9 < time.monotonic() - began < 20
    assert "in time: HTTP status 500" in failed.value.message


def test_time_for_headers_is_bounded(log: RecordedLog) -> None:
    with serve({"/a": [Answer(b"", pause=3), Answer(b"quick")]}) as served:
        assert client(log, http_response_headers=0.3).read(Request(f"{served.url}/a")) == b"quick"
    assert "no answer in time" in str(log)


@pytest.mark.slow
def test_headers_that_drip_do_not_outlast_their_time(log: RecordedLog) -> None:
    with dripping(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100) as url, pytest.raises(FetchFailed) as failed:
        client(log, http_total=1.5, http_response_headers=0.5).read(Request(f"{url}/a"))
    assert "in time: no answer in time" in failed.value.message


@contextmanager
def dripping(answer: bytes) -> Iterator[str]:
    """A server that sends every client the same answer, one byte every tenth of a second."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def talk() -> None:
            while True:
                try:
                    channel, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=drip, args=(channel,), daemon=True).start()

        def drip(channel: socket.socket) -> None:
            with channel, suppress(OSError):
                for byte in answer:
                    channel.send(bytes([byte]))
                    time.sleep(0.1)

        threading.Thread(target=talk, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def test_a_slow_body_is_no_failure_of_its_headers(log: RecordedLog) -> None:
    with serve({"/a": Answer(b"slowly", drip=0.15)}) as served:
        assert client(log, http_response_headers=0.3).read(Request(f"{served.url}/a")) == b"slowly"


def test_a_dripping_body_ends_with_the_time_for_everything(log: RecordedLog) -> None:
    began = time.monotonic()
    with serve({"/a": Answer(b"x" * 1000, drip=0.1)}) as served, pytest.raises(FetchFailed, match="in time"):
        client(log, http_total=1.0).read(Request(f"{served.url}/a"))
    assert time.monotonic() - began < 50


@pytest.mark.slow
def test_retry_after_is_honoured(log: RecordedLog) -> None:
    with serve({"/a": [Answer(status=503, headers=(("Retry-After", "1"),)), Answer(b"well")]}) as served:
        client(log).read(Request(f"{served.url}/a"))
    assert 1.0 <= served.asked[1].moment - served.asked[0].moment < 20


@pytest.mark.slow
def test_a_server_that_asks_for_more_time_than_there_is_is_asked_near_the_end(log: RecordedLog) -> None:
    busy = Answer(status=503, headers=(("Retry-After", "60"),))
    with serve({"/a": [busy, Answer(b"well")]}) as served:
        assert client(log, http_total=2.0).read(Request(f"{served.url}/a")) == b"well"
    assert 1.4 < served.asked[1].moment - served.asked[0].moment < 2.0


@pytest.mark.slow
def test_retry_after_may_be_a_date(log: RecordedLog) -> None:
    date = (("Date", "Sat, 21 Nov 2026 00:00:00 GMT"), ("Retry-After", "Sat, 21 Nov 2026 00:00:01 GMT"))
    with serve({"/a": [Answer(status=503, headers=date), Answer(b"well")]}) as served:
        client(log).read(Request(f"{served.url}/a"))
    assert served.asked[1].moment - served.asked[0].moment >= 1.0


def test_https_is_verified_against_the_authorities_of_the_config(log: RecordedLog, ca: Authority) -> None:
    with serve({"/a": Answer(b"safe")}, tls=ca.issue("localhost")) as served:
        assert client(log, authorities=(ca.certificate,)).read(Request(f"{served.url}/a")) == b"safe"


@pytest.mark.slow
def test_https_with_an_unknown_authority_is_explained(log: RecordedLog, ca: Authority) -> None:
    with serve({"/a": Answer(b"safe")}, tls=ca.issue("localhost")) as served, pytest.raises(FetchFailed) as failed:
        client(log, http_total=3).read(Request(f"{served.url}/a"))
    assert "TLS: unable to get local issuer certificate" in failed.value.message
    assert "certificateAuthorities" in failed.value.hint


@pytest.mark.slow
def test_https_with_the_wrong_host_is_explained(log: RecordedLog, ca: Authority) -> None:
    with serve({"/a": Answer(b"")}, tls=ca.issue("other.example")) as served, pytest.raises(FetchFailed) as failed:
        client(log, http_total=3, authorities=(ca.certificate,)).read(Request(f"{served.url}/a"))
    assert "not valid for" in failed.value.message
    assert "127.0.0.1" in failed.value.message
    assert "subjectAltName" in failed.value.hint


@pytest.mark.slow
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_common_name_of_a_certificate_does_not_count(log: RecordedLog, ca: Authority, name: str) -> None:
    """As in Go, which refuses certificates without a subjectAltName."""
    ours = client(log, http_total=3, authorities=(ca.certificate,))
    with serve({"/a": Answer(b"")}, tls=ca.issue(name, san=False)) as served, pytest.raises(FetchFailed) as failed:
        ours.read(Request(f"{served.url}/a".replace("127.0.0.1", name)))
    assert "TLS: " in failed.value.message
    assert "not valid for" in failed.value.message
    assert "subjectAltName; its commonName does not count" in failed.value.hint
    assert not served.asked


def tunnel(tls: Path, to: str) -> Talk:
    """A proxy that speaks TLS with this key and certificate, and leads every CONNECT to one server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls)
    host, _, port = to.rpartition("//")[2].partition(":")

    def talk(channel: socket.socket) -> None:
        with context.wrap_socket(channel, server_side=True) as near, socket.create_connection((host, int(port))) as far:
            near.recv(65536)
            near.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    received = ready.recv(65536)
                    if not received:
                        return
                    (far if ready is near else near).sendall(received)

    return talk


@contextmanager
def behind_tls_proxy(ca: Authority, certificate: Path) -> Iterator[dict[str, Any]]:
    """Settings for a server with this certificate, which is at any https URL behind a proxy that speaks TLS itself."""
    with (
        serve({"/a": Answer(b"safe" * 99_999)}, tls=certificate) as far,
        talking(tunnel(ca.issue("localhost"), far.url)) as proxy,
    ):
        yield {"https_proxy": proxy.replace("http:", "https:"), "authorities": (ca.certificate,)}


@pytest.mark.slow
def test_a_proxy_with_tls_leads_to_servers_with_tls(log: RecordedLog, ca: Authority) -> None:
    with behind_tls_proxy(ca, ca.issue("far.invalid")) as settings:
        ours = client(log, http_total=60, **settings)
        assert [ours.read(Request("https://far.invalid/a")) for _ in range(2)] == [b"safe" * 99_999] * 2


@pytest.mark.slow
def test_the_common_name_does_not_count_behind_a_proxy_with_tls_either(log: RecordedLog, ca: Authority) -> None:
    certificate = ca.issue("far.invalid", san=False)
    with behind_tls_proxy(ca, certificate) as settings, pytest.raises(FetchFailed, match="not valid for"):
        client(log, http_total=3, **settings).read(Request("https://far.invalid/a"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("days", "told"),
    [(("20200101000000Z", "20200201000000Z"), "expired"), (("20990101000000Z", "20990201000000Z"), "not yet valid")],
)
def test_a_certificate_outside_its_dates_gives_a_hint_at_the_clock(
    log: RecordedLog, ca: Authority, days: tuple[str, str], told: str
) -> None:
    with (
        serve({"/a": Answer(b"")}, tls=ca.issue("localhost", days=days)) as served,
        pytest.raises(FetchFailed) as failed,
    ):
        client(log, http_total=3, authorities=(ca.certificate,)).read(Request(f"{served.url}/a"))
    assert told in failed.value.message
    assert "clock here" in failed.value.message


def test_offline_makes_no_request(log: RecordedLog) -> None:
    with serve({"/a": Answer(b"")}) as served, pytest.raises(NeedsNetwork):
        client(log, offline=True).read(Request(f"{served.url}/a"))
    assert not served.asked


@pytest.mark.slow
def test_connection_refused_is_said_with_its_remedy(log: RecordedLog) -> None:
    with serve({}) as served:
        pass
    with pytest.raises(FetchFailed) as failed:
        client(log, http_total=3).read(Request(f"{served.url}/a"))
    assert "Connection refused" in failed.value.message
    assert "is the server running" in failed.value.hint


def test_an_unknown_name_is_said_with_its_remedy(log: RecordedLog) -> None:
    with pytest.raises(FetchFailed) as failed:
        client(log, http_total=0.5, network_wait=0.5).read(Request("http://no-such-host.invalid/a"))
    assert "name not resolved" in failed.value.message or "no network" in failed.value.message


def test_secrets_of_a_url_are_in_no_message(log: RecordedLog) -> None:
    with serve({"/a?token=canary3": Answer(b"", 403)}) as served, pytest.raises(FetchFailed) as failed:
        client(log).read(Request(f"{with_user(served.url)}/a?token=canary3", (("Authorization", "canary4"),)))
    assert "canary" not in f"{log} {failed.value.message} {failed.value.hint}"
    assert served.asked[0].path == "/a?token=canary3"


def test_an_answer_may_not_be_endless(log: RecordedLog) -> None:
    with serve({"/a": Answer(b"x" * 5000)}) as served, pytest.raises(FetchFailed, match="larger than 4096"):
        client(log).read(Request(f"{served.url}/a"), 4096)


def test_a_proxy_gets_its_own_credentials_and_those_of_the_url_in_headers_only(log: RecordedLog) -> None:
    with serve({"http://far.invalid/a": Answer(b"there")}) as proxy:
        settings = {"http_proxy": proxy.url.replace("//", "//us%65r@")}
        assert client(log, **settings).read(Request(with_user("http://far.invalid/a") + "#part")) == b"there"
    (asked,) = proxy.asked
    assert asked.path == "http://far.invalid/a"
    assert asked.headers["proxy-authorization"] == "Basic dXNlcjo="  # user, without a password
    assert asked.headers["authorization"] == "Basic Y2FuYXJ5MTpjYW5hcnky"


REFUSALS = {
    407: (
        "HTTP status 407 Proxy Authentication Required",
        "add user and password in the URL of ignition.proxy.{}Proxy",
    ),
    401: ("HTTP status 401 Unauthorized", "add user and password in the URL of ignition.proxy.{}Proxy"),
    403: ("HTTP status 403 Forbidden", "allow the host in the proxy, or add it to ignition.proxy.noProxy"),
}
"""The status of a proxy's answer: what the message and the remedy say."""


@pytest.mark.parametrize(("scheme", "status"), [("http", 407), ("https", 407), ("https", 401), ("https", 403)])
def test_a_refusal_by_a_proxy_names_the_setting(log: RecordedLog, scheme: str, status: int) -> None:
    told, remedy = REFUSALS[status]
    refuses = f"HTTP/1.1 {told.removeprefix('HTTP status ')}\r\nContent-Length: 0\r\n\r\n".encode()
    with talking(says(refuses)) as proxy, pytest.raises(FetchFailed) as failed:
        client(log, http_proxy=proxy, https_proxy=proxy).read(Request(f"{scheme}://far.invalid/a?key=canary"))
    assert failed.value.message == f"{scheme}://far.invalid/a: the proxy {proxy} refuses: {told}"
    assert failed.value.hint.startswith(remedy.format(scheme))
    assert f"{scheme}Proxy" in failed.value.hint


def test_a_wrong_password_for_a_proxy_is_to_be_corrected(log: RecordedLog) -> None:
    with serve({"http://far.invalid/a": Answer(status=407)}) as proxy, pytest.raises(FetchFailed) as failed:
        client(log, http_proxy=with_user(proxy.url)).read(Request("http://far.invalid/a"))
    assert f"the proxy {proxy.url} refuses" in failed.value.message
    assert failed.value.hint == "correct user and password in the URL of ignition.proxy.httpProxy"
    assert len(proxy.asked) == 1


def test_a_proxy_that_does_not_run_is_named_with_its_setting(log: RecordedLog) -> None:
    with serve({}) as served:
        pass
    with pytest.raises(FetchFailed) as failed:
        client(log, http_total=1.0, https_proxy=with_user(served.url)).read(Request("https://far.invalid/a"))
    assert f"through the proxy {served.url}: Connection refused" in failed.value.message
    assert failed.value.hint.endswith("(see ignition.proxy.httpsProxy)")
    assert "canary" not in f"{log}{failed.value.message}"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"Content-Length: 9\r\n\r\nhalf", "the body is 5 bytes shorter than announced"),
        (b"Content-Length: 4x\r\n\r\nhalf", "the Content-Length of the answer is not a number of bytes"),
        (b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nhalf!", "the answer has different Content-Length headers"),
        (b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf", "the connection ended before the end of the answer"),
        (b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "the connection ended before the end of the answer"),
        (b"Transfer-Encoding: chunked\r\n\r\nx\r\n", "the answer has letters in place of a number"),
        (b"X: x\r\n", "the answer breaks off in its headers"),
    ],
    ids=["short", "no number", "two lengths", "half a chunk", "no last chunk", "no chunk", "half a header"],
)
def test_an_answer_that_is_not_whole_is_explained(log: RecordedLog, answer: bytes, told: str) -> None:
    talks = says(b"HTTP/1.1 200 OK\r\n" + answer), says(b"HTTP/1.1 403 No\r\n\r\n")
    with talking(*talks) as url, pytest.raises(FetchFailed, match="HTTP status 403"):
        client(log, http_total=60).read(Request(f"{with_user(url)}/a?key=canary"))
    assert f"GET error: {told}" in str(log)
    assert "canary" not in str(log)


@pytest.mark.parametrize("url", ["garbage", "ftp://127.0.0.1/", "http://", "http://[::1/", "http://127.0.0.1:99999/"])
def test_what_is_no_url_of_http_fails_at_once(log: RecordedLog, url: str) -> None:
    with pytest.raises(FetchFailed, match="unable to parse url"):
        client(log).read(Request(url))


def test_a_header_of_two_lines_is_never_sent(log: RecordedLog) -> None:
    with serve({"/a": Answer(b"")}) as served, pytest.raises(FetchFailed, match="HTTP header"):
        client(log).read(Request(f"{served.url}/a", (("X-One", "1\r\nX-Two: 2"),)))
    assert not served.asked
