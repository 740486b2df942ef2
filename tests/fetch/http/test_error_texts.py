"""Every failed exchange has a cause in words and a remedy."""

from __future__ import annotations

import errno
import http.client
import os
import socket
from contextlib import closing

import pytest

from provision.fetch.http.error_texts import REMEDIES, explain
from provision.fetch.http.transport import TruncatedError

GOOD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = GOOD + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = b"a" * 70_000


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"", "the server closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the answer is not HTTP"),
        (b"HTTP/9.1 200 OK\r\n\r\n", "the answer is of an unknown version of HTTP"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "the answer has letters in place of a number"),
        (GOOD + b"a: " + LONG + b"\r\n\r\n", "a line of the answer is longer than 64 KiB"),
        (GOOD + b"a: b\r\n" * 200 + b"\r\n", "the answer has more than 100 headers"),
        (CHUNKED + b"zz\r\n", "the answer has letters in place of a number"),
        (CHUNKED + b"ff\r\nabc", "the connection ended before the end of the answer"),
    ],
)
def test_answers_that_are_not_http(answer: bytes, cause: str) -> None:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.sendall(answer)
        theirs.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(ours)
        with closing(response), pytest.raises((OSError, http.client.HTTPException)) as raised:
            _read(response)
    told = explain(raised.value)
    assert told.text == cause
    assert told.remedy


def _read(response: http.client.HTTPResponse) -> None:
    response.begin()
    response.read()


def test_every_error_of_the_library_has_a_remedy() -> None:
    kinds = [one for one in vars(http.client).values() if isinstance(one, type) and issubclass(one, Exception)]
    assert len(kinds) > 10
    for kind in kinds:
        told = explain(kind.__new__(kind))
        assert told.remedy, kind
        assert "exception" not in told.text.lower()


@pytest.mark.parametrize("number", REMEDIES)
def test_errors_of_the_system(number: int) -> None:
    assert explain(OSError(number, os.strerror(number))) == (
        os.strerror(number),
        REMEDIES[number],
        number == errno.ENETUNREACH,
    )


def test_a_short_body() -> None:
    told = explain(TruncatedError(errno.ECONNRESET, "the body is 7 bytes shorter than announced"))
    assert told == ("the body is 7 bytes shorter than announced", REMEDIES[errno.ECONNRESET], False)


def test_anything_else_keeps_the_name_of_its_class() -> None:
    told = explain(LookupError("http://user:secret@host"))
    assert told.text == "unexpected error LookupError"
    assert told.remedy
