"""Whatever a fetch waits for, a stop ends it."""

from __future__ import annotations

import socket
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from provision.config.format import Resource
from provision.failures import FetchFailed
from provision.fetch.resources import Fetcher
from provision.fetch.stop_event import StopEvent
from provision.threads import Task, first_to_end

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize(
    ("scheme", "answer"),
    [
        ("http", b""),
        ("http", b"HTTP/1.1 200 OK\r\nX-Half: "),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\nhalf"),
        ("http", b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 300\r\nConnection: close\r\n\r\n"),
        ("https", b""),
    ],
    ids=["no answer", "headers", "body", "body without length", "pause", "TLS handshake"],
)
def test_a_fetch_that_waits_is_stopped(scheme: str, answer: bytes, listener: socket.socket) -> None:
    fetcher = Fetcher()
    source = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"
    fetching = Task(lambda: fetcher.copy(Resource(source=source), BytesIO()))
    channel, _ = listener.accept()
    with channel:
        channel.recv(1)
        channel.sendall(answer)
        fetcher.cancel()
        assert first_to_end([fetching], 60) is fetching
    with pytest.raises(FetchFailed, match="stopped"):
        fetching.result()


def test_headers_that_break_off_are_no_empty_file(listener: socket.socket) -> None:
    fetcher = Fetcher()
    fetching = Task(lambda: fetcher.read(Resource(source=f"http://127.0.0.1:{listener.getsockname()[1]}/")))
    for answer in (b"HTTP/1.1 200 OK\r\nX-Half: ", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nall"):
        channel, _ = listener.accept()
        with channel:
            channel.recv(1000)
            channel.sendall(answer)
    assert fetching.result() == b"all"


def test_a_stop_can_be_waited_for_with_descriptors(listener: socket.socket) -> None:
    stop = StopEvent()
    waiting = Task(lambda: stop.wait_readable(listener, 600))
    stop.set()
    assert first_to_end([waiting], 60) is waiting
    assert not waiting.result()
    assert not stop.wait_readable(listener, 600)


def test_a_connection_that_is_made_after_the_stop_is_shut_down() -> None:
    stop = StopEvent()
    stop.set()
    ours, other = socket.socketpair()
    with ours, other:
        stop.watch(ours)
        assert other.recv(1) == b""
