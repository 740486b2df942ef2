"""The headers of an answer: how many, how large, and how they are read."""

from __future__ import annotations

import pytest

from provision.failures import FetchFailed
from provision.fetch.http.answer import HEADERS_LIMIT
from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Request
from provision.fetch.settings import FetchSettings
from tests.fetch.server import Answer, says, serve, talking
from tests.recorded_log import RecordedLog

START = b"HTTP/1.1 200 OK\r\n"
END = b"Content-Length: 4\r\nX-Last: here\r\n\r\ngood"


def client(log: RecordedLog) -> Client:
    return Client(FetchSettings(http_total=30.0), log)


@pytest.mark.parametrize(
    "headers",
    [
        b"".join(b"X-%d: x\r\n" % number for number in range(1000)),
        b"Set-Cookie: x\r\n" * 50_000,
        b"X-Long: " + b"x" * 70_000 + b"\r\n",
        b"X-Long: " + b"x" * (HEADERS_LIMIT - 100) + b"\r\n",
        b"X-Folded: x\r\n" + b"\t" + b"x" * 900 + b"\r\n",
    ],
    ids=["1000", "50,000", "70 kB", "a megabyte", "folded"],
)
def test_many_and_long_headers_are_read(log: RecordedLog, headers: bytes) -> None:
    with talking(says(START + headers + END)) as url:
        assert client(log).read(Request(f"{url}/a")) == b"good"
        assert client(log).header(Request(f"{url}/a"), "x-last") == "here"


@pytest.mark.parametrize("number", [1, HEADERS_LIMIT // 4], ids=["one header", "many headers"])
def test_headers_beyond_the_limit_fail_at_once(log: RecordedLog, number: int) -> None:
    """Another attempt would not change them."""
    headers = (b"X: " + b"x" * (HEADERS_LIMIT // number) + b"\r\n") * number
    with talking(says(START + headers + b"\r\n")) as url, pytest.raises(FetchFailed) as failed:
        client(log).read(Request(f"{url}/a?key=canary"))
    assert failed.value.message == f"{url}/a: the headers of the answer are larger than 1024 KiB"
    assert "must send smaller headers" in failed.value.hint
    assert str(log).count("attempt #") == 1


@pytest.mark.parametrize(
    "headers",
    [
        b"content-length:4\r\n\r\ngood",
        b"Content-Length: \t 4 \t\r\n\r\ngood",
        b"Content-Length:\r\n 4\r\n\r\ngood",
        b"Content-Length: 4\r\ncontent-length: 4\r\n\r\ngood",
        b"TRANSFER-ENCODING: Chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
        b"Empty:\r\nContent-Length: 4\n\ngood",
        b"X-Grey: gr\xfcn\r\nContent-Length: 4\r\n\r\ngood and more",
        b"X Y: a name that Python 3.14 refuses to store, and Go accepts\r\nContent-Length: 4\r\n\r\ngood",
    ],
)
def test_forms_of_headers(log: RecordedLog, headers: bytes) -> None:
    with talking(says(START + headers, hold=0.2)) as url:
        assert client(log).read(Request(f"{url}/a")) == b"good"


@pytest.mark.parametrize("line", [b"X", b": x", b"X\xfc: x", b"X: a\rContent-Length: 1", b"X: \0", b" X: x"])
def test_a_line_that_is_no_header_spoils_an_answer(log: RecordedLog, line: bytes) -> None:
    with talking(says(START + line + b"\r\n" + END), says(START + END)) as url:
        assert client(log).read(Request(f"{url}/a")) == b"good"
    assert "a line of the answer's headers is not a name and a value" in str(log)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "the server closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the answer is not HTTP"),
        (b"\r" + START + END, "the answer is not HTTP"),
        (b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n", "a line of the answer is longer than 64 KiB"),
        (START, "the answer breaks off in its headers"),
        (b"HTTP/1.1 103 Early\r\n\r\n" * 11, "more than 10 interim answers"),
    ],
    ids=["nothing", "SSH", "white space", "long status", "no end", "interim"],
)
def test_what_is_no_answer_is_explained(log: RecordedLog, answer: bytes, told: str) -> None:
    with talking(says(answer), says(START + END)) as url:
        assert client(log).read(Request(f"{url}/a")) == b"good"
    assert f"GET error: {told}" in str(log)


def test_a_connection_with_many_headers_is_used_again(log: RecordedLog) -> None:
    many = Answer(b"good", headers=tuple((f"X-{number}", "x") for number in range(150)))
    with serve({"/a": many}) as served:
        ours = client(log)
        assert [ours.read(Request(f"{served.url}/a")) for _ in range(3)] == [b"good"] * 3
    assert len({asked.port for asked in served.asked}) == 1
