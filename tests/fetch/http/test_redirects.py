"""Where a redirect may lead, and what is sent there: a server is trusted less than a config."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

import pytest

from provision.failures import FetchFailed
from provision.fetch.http import connections
from provision.fetch.http.client import ACCEPT, Client
from provision.fetch.http.http_types import Request
from provision.fetch.platforms.metadata_services import Http, is_metadata
from provision.fetch.platforms.sources import Source
from provision.fetch.platforms.table import PLATFORMS
from provision.fetch.settings import FetchSettings
from tests.fetch import daemons
from tests.fetch.certificates import Authority
from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.server import Answer, Asked, serve
from tests.recorded_log import RecordedLog


def client(log: RecordedLog, **settings: Any) -> Client:
    return Client(FetchSettings(**{"http_total": 5.0, **settings}), log)


def to(target: str) -> Answer:
    return Answer(status=302, headers=(("Location", target),))


def test_redirects_are_followed_without_sending_secrets_on(log: RecordedLog) -> None:
    with serve({"/b": Answer(b"there")}) as other:
        away = Answer(status=302, headers=(("Location", f"{other.url}/b"),))
        with serve({"/a": away}) as served:
            request = Request(f"{served.url}/a", (("Authorization", "Bearer secret"), ("X-Own", "1")))
            assert client(log).read(request) == b"there"
    assert "authorization" in served.asked[0].headers
    assert {"authorization", "x-own"}.isdisjoint(other.asked[0].headers)
    assert other.asked[0].headers["accept"] == ACCEPT


def test_headers_are_not_sent_to_redirects_within_an_origin_either(log: RecordedLog) -> None:
    with serve({"/a": Answer(status=307, headers=(("Location", "b"),)), "/b": Answer(b"x")}) as served:
        client(log).read(Request(f"{served.url}/a", (("X-Own", "1"),)))
    assert "x-own" not in served.asked[1].headers
    assert served.asked[1].headers["accept"] == ACCEPT


def test_redirects_in_a_circle_end(log: RecordedLog) -> None:
    with serve({"/a": to("/b"), "/b": to("/a")}) as served:
        with pytest.raises(FetchFailed, match=r"a: more than 10 redirects, in a circle$") as failed:
            client(log).read(Request(f"{served.url}/a"))
        assert len(served.asked) == 11
        assert "correct that on the server" in failed.value.hint


def test_redirects_to_ever_new_places_end(log: RecordedLog) -> None:
    with serve(lambda asked: to(f"{asked.path}x")) as served:
        with pytest.raises(FetchFailed, match=r"a: more than 10 redirects$") as failed:
            client(log).read(Request(f"{served.url}/a"))
        assert len(served.asked) == 11
        assert failed.value.hint


def test_ten_redirects_are_followed(log: RecordedLog) -> None:
    longest = "/a" + "x" * 10
    with serve(lambda asked: Answer(b"there") if asked.path == longest else to(f"{asked.path}x")) as served:
        assert client(log).read(Request(f"{served.url}/a")) == b"there"


@pytest.mark.parametrize(
    ("locations", "told"),
    [
        (("file:///etc/shadow",), "redirected to file:..., which is not http or https"),
        (("ftp://example.com/canary",), "redirected to ftp:..., which is not http or https"),
        (("data:,canary",), "redirected to data:..., which is not http or https"),
        (("mailto:canary",), "redirected to mailto:..., which is not http or https"),
        (("/b", "/canary"), "redirected to several places: the answer has different Location headers"),
        (("http://[canary",), "redirected to an unreadable URL"),
        ((), "a redirect without a Location: HTTP status 302 Found: moved"),
        (("",), "a redirect without a Location: HTTP status 302 Found: moved"),
    ],
)
def test_a_redirect_that_is_not_followed_is_explained(log: RecordedLog, locations: tuple[str, ...], told: str) -> None:
    answer = Answer(b"moved", 302, tuple(("Location", one) for one in locations))
    with serve({"/a?key=canary": answer}) as served, pytest.raises(FetchFailed) as failed:
        client(log).read(Request(f"{served.url}/a?key=canary".replace("//", "//canary:canary@")))
    assert failed.value.message.endswith(told)
    assert failed.value.message.startswith(f"{served.url}/a: ")
    assert "correct the redirect on the server" in failed.value.hint
    assert len(served.asked) == 1
    assert "canary" not in f"{log} {failed.value.message} {failed.value.hint}"


def test_the_same_location_twice_is_one(log: RecordedLog) -> None:
    twice = Answer(status=302, headers=(("Location", "/b"), ("location", "/b")))
    with serve({"/a": twice, "/b": Answer(b"there")}) as served:
        assert client(log).read(Request(f"{served.url}/a")) == b"there"


def test_credentials_of_a_url_stay_with_its_origin(log: RecordedLog) -> None:
    with (
        serve({"/b": Answer(b"there")}) as other,
        serve({"/a": to("/near"), "/near": to(f"{other.url}/b")}) as served,
    ):
        secret = served.url.replace("//", "//user:password@")
        assert client(log).read(Request(f"{secret}/a")) == b"there"
    assert all(asked.headers["authorization"].startswith("Basic ") for asked in served.asked)
    assert "authorization" not in other.asked[0].headers


def test_an_authorization_of_the_config_counts_more_than_the_credentials_of_its_url(log: RecordedLog) -> None:
    """As with Go's net/http."""
    with serve({"/a": Answer(b"there")}) as served:
        secret = served.url.replace("//", "//user:password@")
        client(log).read(Request(f"{secret}/a", (("authorization", "Bearer token"),)))
    assert served.asked[0].headers["authorization"] == "Bearer token"


def test_https_never_leads_to_http(log: RecordedLog, ca: Authority) -> None:
    with serve({"/b": Answer(b"plain")}) as plain:
        script = {"/a": Answer(status=302, headers=(("Location", f"{plain.url}/b"),))}
        with (
            serve(script, tls=ca.issue("localhost")) as served,
            pytest.raises(FetchFailed, match="from https to http") as failed,
        ):
            client(log, authorities=(ca.certificate,)).read(Request(f"{served.url}/a"))
    assert "redirect to https" in failed.value.hint
    assert not plain.asked


LITERALS = (
    "127.0.0.1",
    "127.9.9.9",
    "127.1",
    "0.0.0.0",
    "0",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "100.100.100.200",
    "168.63.129.16",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]",
    "[fe80::a9fe:a9fe%25lo]",
    "[fd00:ec2::254]",
    "localhost",
)
"""Ways to write this machine, its link, and metadata services."""

NAMES = {"link_test": "169.254.169.254", "aws_test": "fd00:ec2::254", "loop_test": "127.0.0.1", "six_test": "::1"}
"""Names that lead there, by a real name server."""


@contextmanager
def secrets_within() -> Iterator[list[Asked]]:
    """A server at every address of this machine; gives the requests that it got."""
    with serve(lambda _asked: Answer(b"secret"), "::", 80) as served:
        yield served.asked


@pytest.mark.disks
@pytest.mark.peer
@daemons.needs_dnsmasq
@needs_root
@pytest.mark.parametrize("by", ["address", "name"])
def test_no_redirect_from_elsewhere_leads_inwards(log: RecordedLog, by: str) -> None:
    targets = LITERALS if by == "address" else [name.replace("_", ".") for name in NAMES] + ["LOCALHOST", "localhost."]

    def body() -> dict[str, str]:
        found = {}
        with daemons.names("127.0.0.53", **NAMES), secrets_within() as asked:
            for target in targets:
                with serve({"/a": to(f"http://{target}/secret")}, "10.9.0.2", 8080) as served:
                    try:
                        client(log, http_total=1).read(Request(f"{served.url}/a"))
                    except FetchFailed as failed:
                        found[target] = failed.cause
            assert not asked
        return found

    places = ("10.9.0.2/32", "169.254.169.254/32", "100.100.100.200/32", "fd00:ec2::254/128")
    found = in_namespace(body, *places, resolver="127.0.0.53", hosts="127.0.0.1 localhost\n")
    assert {target for target in targets if connections.REFUSAL not in found.get(target, "")} == set()


@pytest.mark.disks
@needs_root
def test_a_proxy_is_not_sent_inwards_either(log: RecordedLog) -> None:
    def body() -> list[str]:
        found = []
        for target in LITERALS:
            script = {"http://far.test/a": to(f"http://{target}/secret")}
            with serve(script, "10.9.0.2", 3128) as proxy, pytest.raises(FetchFailed) as failed:
                client(log, http_proxy=proxy.url).read(Request("http://far.test/a"))
            found += [target] if connections.REFUSAL not in failed.value.cause or len(proxy.asked) != 1 else []
        return found

    assert in_namespace(body, "10.9.0.2/32") == []


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254\\@HERE/../../latest/meta-data",
        "http://HERE\\@169.254.169.254/latest",
        "http:\\\\169.254.169.254\\latest",
        "/\\169.254.169.254/latest",
        "http://user:password@HERE/b",
        "http://169.254.169.254%2f@HERE/b",
        "http://%31%30.9.9.9/b",
        "http://HERE\t/b",
        "http://HERE/b c",
        "//user@HERE/b",
    ],
)
def test_a_redirect_that_two_parsers_may_read_differently_is_refused(log: RecordedLog, target: str) -> None:
    with serve({"/b": Answer(b"there")}) as other:
        here = other.url.removeprefix("http://")
        with serve({"/a": to(target.replace("HERE", here))}) as served, pytest.raises(FetchFailed) as failed:
            client(log).read(Request(f"{served.url}/a"))
        assert not other.asked
    assert failed.value.cause.startswith("redirected to a URL with a backslash")
    assert "password" not in f"{log} {failed.value}"


def test_a_redirect_may_hold_what_is_special_in_hosts_only(log: RecordedLog) -> None:
    with serve({"/a": to("/b//user@host:1/%40?c=d@e"), "/b//user@host:1/%40?c=d@e": Answer(b"x")}) as served:
        assert client(log).read(Request(f"{served.url}/a")) == b"x"


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_secret_in_the_path_of_a_redirect_is_not_shown(log: RecordedLog, status: int) -> None:
    refusal = Answer(b"no such object: /signed/canary-path/f", status)
    with serve(lambda _asked: refusal) as other, serve({"/a": to(f"{other.url}/signed/canary-path/f")}) as served:
        with pytest.raises(FetchFailed) as failed:
            client(log, http_total=0.3).read(Request(f"{served.url}/a"))
        assert other.asked
    assert "canary" not in f"{log} {failed.value.message} {failed.value.hint}"
    assert f"redirected to {other.url}/..." in str(log)


def test_the_library_connects_to_the_host_that_was_checked(log: RecordedLog) -> None:
    """If the HTTP library reads a URL in another way than our check, no connection is made."""
    with serve({"/b": Answer(b"x")}) as served:
        port = served.url.rpartition(":")[2]
        with pytest.raises(FetchFailed, match="unable to parse url") as failed:
            client(log, http_total=1, network_wait=0.5).read(Request(f"http://10.9.9.9\\@127.0.0.1:{port}/b"))
        assert failed.value.hint
        assert not served.asked


@pytest.mark.parametrize("host", ["mirror..example.com", "a" * 64 + ".example", ".", "-", "exa mple", "x\u2024y"])
def test_a_host_that_is_no_name_is_a_failure(log: RecordedLog, host: str) -> None:
    with pytest.raises(FetchFailed):
        client(log, http_total=0.5, network_wait=0.1).read(Request(f"http://{host}/a"))


def test_from_here_a_redirect_may_lead_here(log: RecordedLog) -> None:
    with serve({"/c": Answer(b"here")}) as served, serve({"/a": to(f"{served.url}/c")}) as near:
        assert client(log).read(Request(f"{near.url}/a")) == b"here"


def sources(source: Source) -> list[Source]:
    inner = getattr(source, "sources", ())
    return [one for each in inner for one in sources(each)] or [source]


def test_every_metadata_service_of_the_table_is_inward() -> None:
    every = [one for platform in PLATFORMS.values() for one in sources(platform.source)]
    bases = {one.base for one in every if isinstance(one, Http) and one.connection != "vsock"}
    assert {base for base in bases if not is_metadata(base)} == {"https://metadata.packet.net"}


PIECES = (
    *("http://", "https://", "//", "/", "\\", "@", "169.254.169.254", "127.0.0.1", "[::1]", "localhost", "127.1", "0"),
    *("2852039166", "[::ffff:127.0.0.1]", "[fe80::1%25lo]", "10.9.0.2:8080", "user", "%", "%2f", "%00", ":", "80"),
    *("?", "#", "..", ".", ";", "\t", " ", "\xa0", "\x0b"),
)
"""What a hostile server may write into a Location."""


@pytest.mark.disks
@needs_root
def test_no_redirect_of_any_form_leads_inwards(log: RecordedLog) -> None:
    choice = Random(1)
    targets = ["".join(choice.choices(PIECES, k=choice.randint(1, 7))) for _ in range(400)]

    def body() -> list[str]:
        waiting, found = deque(targets), []
        page = {"/start": lambda: to(waiting[0])}
        outside = serve(lambda one: page.get(one.path, lambda: Answer(b"outside"))(), "10.9.0.2", 8080)
        with secrets_within() as asked, outside as served:
            while waiting:
                with suppress(FetchFailed):
                    client(log, http_total=0.5, network_wait=0.05).read(Request(f"{served.url}/start"))
                found += [waiting[0]] if asked else []
                asked.clear()
                waiting.popleft()
        return found

    assert in_namespace(body, "10.9.0.2/32", "169.254.169.254/32") == []
