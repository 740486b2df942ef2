"""An HTTP answer: a time limit for its headers, another for its body, and more headers than http.client takes."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPMessage, HTTPResponse
from io import BufferedReader, BytesIO
from typing import Any

from provision.fetch.http.http_types import HeadersTooLargeError
from provision.fetch.retry import Deadline

BODY_SILENCE = 60.0
"""Seconds without a byte of the body after which the attempt is given up."""

HEADERS_LIMIT = 1 << 20
"""The largest headers of an answer in bytes, with those of interim answers. http.client takes 100 lines of 64 KiB."""

INTERIM = re.compile(rb"HTTP/\S+\s+1(?!01)\d\d\s")
"""The status line of an interim answer (RFC 9110, 15.2), such as 103 (early hints). 101 is a final one."""

INTERIM_LIMIT = 10
"""How many interim answers are skipped before the final one."""

FRAMING = frozenset({"connection", "content-length", "keep-alive", "proxy-connection", "transfer-encoding"})
"""The headers that tell http.client where the body ends, and whether the connection stays open."""

Field = tuple[str, str]


class Answer(HTTPResponse):
    """An answer with one time limit for its headers (the timeout of the connection) and one for its body.

    Interim answers are skipped; http.client itself skips only 100.
    """

    def __init__(self, channel: socket.socket, *arguments: Any, **further: Any) -> None:
        super().__init__(channel, *arguments, **further)
        self.fp.close()
        self._bytes = _TimedBytes(channel)
        self.fp = BufferedReader(self._bytes)

    def allow(self, deadline: Deadline) -> None:
        """Set the deadline for the body."""
        self._bytes.deadline, self._bytes.silence = deadline, BODY_SILENCE

    @property
    def is_cut_off(self) -> bool:
        """Whether the server closed the connection."""
        return self._bytes.ended

    def begin(self) -> None:
        """Read the headers. Raises OSError or HTTPException.

        http.client reads the status and the headers that it needs itself; it gets no others, because it takes only 100.
        """
        stream = self.fp
        status, fields = _head(stream)
        needed = "".join(f"{name}: {value}\r\n" for name, value in fields if name.lower() in FRAMING)
        head = status + needed.encode("latin-1") + b"\r\n" if status else b""
        self.fp = BufferedReader(BytesIO(head))
        try:
            super().begin()
        finally:
            self.fp = stream
        self.headers = self.msg = HTTPMessage()
        for name, value in fields:
            self.headers.set_raw(name, value)  # since Python 3.14 an assignment refuses a name with a space
        lengths = {value for name, value in fields if name.lower() == "content-length"}
        if len(lengths) > 1:  # RFC 9110, 8.6
            raise OSError(errno.EBADMSG, "the answer has different Content-Length headers")
        if not all(length.isascii() and length.isdecimal() for length in lengths):
            raise OSError(errno.EBADMSG, "the Content-Length of the answer is not a number of bytes")


def _head(stream: BufferedReader) -> tuple[bytes, list[Field]]:
    """The status line and the headers of the final answer; the line is empty if there is no answer.

    Raises OSError or BadStatusLine.
    """
    lines = _lines(stream)
    for _ in range(INTERIM_LIMIT + 1):
        status = next(lines)
        if not status:
            return status, []
        if not status.startswith(b"HTTP/"):
            raise BadStatusLine("no HTTP")  # http.client ignores white space before it
        fields = list(_fields(lines))
        if not INTERIM.match(status):
            return status, fields
    raise OSError(errno.EBADMSG, f"more than {INTERIM_LIMIT} interim answers")


def _lines(stream: BufferedReader) -> Iterator[bytes]:
    """The lines of an answer, and empty ones after its end. Raises HeadersTooLargeError after HEADERS_LIMIT bytes."""
    left = HEADERS_LIMIT
    while line := stream.readline(left):
        left -= len(line)
        if not left:
            raise HeadersTooLargeError(HEADERS_LIMIT)
        yield line
    while True:
        yield b""


def _fields(lines: Iterator[bytes]) -> Iterator[Field]:
    """Names and values of the headers, up to the empty line after them. Raises OSError for other lines."""
    name, values = "", [""]
    for line in lines:
        if not line.endswith(b"\n"):
            raise OSError(errno.ECONNRESET, "the answer breaks off in its headers")
        text = line.decode("latin-1").removesuffix("\n").removesuffix("\r")
        if {"\0", "\r"} & set(text):
            raise _malformed()
        if name and text.startswith((" ", "\t")):  # the value goes on (RFC 9112, 5.2)
            values.append(text.strip())
            continue
        if name:
            yield name, " ".join(values).strip()
        if not text:
            return
        name, colon, value = text.partition(":")
        if not (name and colon and name.isascii() and name.isprintable() and name[0] != " "):
            raise _malformed()
        values = [value.strip(" \t")]


def _malformed() -> OSError:
    """The error for a line that is no header. Go refuses it, too; http.client would leave out all headers after it."""
    return OSError(errno.EBADMSG, "a line of the answer's headers is not a name and a value")


class _TimedBytes(socket.SocketIO):
    """Reads a socket until a deadline. Each read gets the time that is left, but at most `silence` seconds."""

    def __init__(self, channel: socket.socket) -> None:
        super().__init__(channel, "r")
        # for TLS within the TLS of a proxy: the connection to the proxy
        lowest: Any = getattr(channel, "socket", channel)
        lowest._io_refs += 1  # noqa: SLF001 - as the method makefile of both does
        self._channel = channel
        self.deadline = Deadline(channel.gettimeout() or 0)
        self.silence = 0.0
        self.ended = False

    def readinto(self, buffer: Any) -> int | None:
        """Read the next bytes into a buffer and return their number. Raises OSError."""
        if not self.deadline.left():
            raise TimeoutError(errno.ETIMEDOUT, "no answer in time")
        self._channel.settimeout(self.deadline.within(self.silence))
        received = super().readinto(buffer)
        self.ended = received == 0
        self._channel.settimeout(BODY_SILENCE)  # for the next request on this connection
        return received
