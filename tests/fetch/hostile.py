"""Servers that delay a boot, fill its memory, or give wrong answers. Each feature that asks a server is tested with
all.
"""

from __future__ import annotations

import gzip
import os
import socket
import time
from collections.abc import Mapping
from functools import cache

from tests.fetch.server import Talk, drips, hangs, says

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PATIENCE = 60.0
"""Seconds that a server goes on for: longer than any time limit of a test."""


def begins(beginning: bytes, drop: bytes, every: float = 0.05) -> Talk:
    """Send the beginning at once, and then the same few bytes again and again."""

    def talk(channel: socket.socket) -> None:
        channel.recv(65536)
        channel.sendall(beginning)
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            channel.sendall(drop)
            time.sleep(every)

    return talk


def moved(location: str) -> Talk:
    """Redirect to another place."""
    return says(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))


@cache
def bomb() -> bytes:
    """A gzip file of 128 KiB that holds 128 MiB."""
    return gzip.compress(bytes(1 << 27))


def sends_a_bomb(channel: socket.socket) -> None:
    """Send a good answer whose body is a bomb, which is made only when it is asked for."""
    says(body(bomb()))(channel)


def body(content: bytes) -> bytes:
    """A good answer with a body."""
    return OK + b"Content-Length: %d\r\n\r\n" % len(content) + content


HOSTILE: Mapping[str, Talk] = {
    "silence": hangs,
    "a byte now and then": drips(OK * 99),
    "slow headers": begins(OK + b"X: ", b"x"),
    "headers without end": begins(OK, b"X: x\r\n", 0),
    "a header without end": begins(OK + b"X: ", b"x" * 4096, 0),
    "interim answers without end": begins(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0),
    "a slow body": begins(OK + b"Content-Length: 999999\r\n\r\n", b"x"),
    "a slow chunk extension": begins(CHUNKED + b"5;x=", b"x"),
    "a slow chunk size": begins(CHUNKED, b"0"),
    "slow trailers": begins(CHUNKED + b"1\r\nx\r\n0\r\n", b"X: x\r\n"),
    "a slow trailer": begins(CHUNKED + b"1\r\nx\r\n0\r\nX: ", b"x"),
    "a slow error": begins(b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n5;x=", b"x"),
    "a body without end": begins(OK + b"\r\n", b"x" * 65536, 0),
    "chunks without end": begins(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n", 0),
    "too short": says(OK + b"Content-Length: 99\r\n\r\nshort"),
    "a length that is none": says(OK + b"Content-Length: 4x\r\n\r\ngood"),
    "a negative length": says(OK + b"Content-Length: -4\r\n\r\ngood"),
    "a length with a sign": says(OK + b"Content-Length: +4\r\n\r\ngood"),
    "two lengths": says(OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\ngood!"),
    "no HTTP": says(os.urandom(4096)),
    "no TLS": says(b"\x15\x03\x01\x00\x02\x02\x28"),
    "a bomb": sends_a_bomb,
    "many members": says(body(gzip.compress(b"") * 50_000)),
    "round in circles": moved("/a"),
    "a redirect to metadata": moved("http://169.254.169.254/latest/user-data"),
    "a redirect with a backslash": moved("http://169.254.169.254\\@127.0.0.1/../../latest"),
    "a redirect with a user": moved("http://canaryuser:canarypass@127.0.0.1:1/"),
    "a redirect with a tab": moved("http://127.0.0.1\t.example/"),
    "a redirect to no host": moved("http://mirror..example.com/"),
    "a redirect to a file": moved("file:///etc/shadow"),
    "an unreadable redirect": moved("http://[::1"),
}
