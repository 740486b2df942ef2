"""Messages whose headers or texts are wrong: the next one is read."""

from __future__ import annotations

from io import BytesIO

import pytest

from transpiler.editor.protocol.messages import MAX_BYTES, UnreadableMessage, read_message

GOOD = b"Content-Length: 1\r\n\r\n7"


@pytest.mark.parametrize(
    "message",
    [
        GOOD,
        b"content-length:1\n\n7",
        b"Content-Length: 1\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n7",
        b"Content-Type: x\r\nContent-Length: 01 \r\n\r\n7",
        b"\r\n\r\n" + GOOD,
    ],
)
def test_forms_of_headers(message: bytes) -> None:
    assert read_message(BytesIO(message)) == 7


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"Content-Length: 2\r\n\r\n{]", "not JSON"),
        (b"Content-Length: 0\r\n\r\n", "not JSON"),
        (b"Content-Length: 1\r\n\r\n[1, 2]", "not JSON"),  # the rest stands before the next header
        (b"Content-Length: 3\r\n\r\n\xff\xfe\xff", "not JSON"),
        (b"Content-Length: 9000\r\n\r\n" + b"[" * 9000, "too many levels"),
        (b"Content-Length: 5000\r\n\r\n" + b"9" * 5000, "too many digits"),
        (b"Content-Length: many\r\n\r\n{}", "no line `Content-Length"),
        (b"Content-Length: -5\r\n\r\n{}", "no line `Content-Length"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}", "no line `Content-Length"),
        (b"Content-Type: x\r\n\r\n{}", "no line `Content-Length"),
        (b"Content-Length: %d\r\n\r\n{}" % (MAX_BYTES + 1), "more than"),
    ],
)
def test_the_message_after_an_unreadable_one_is_read(message: bytes, reason: str) -> None:
    stream = BytesIO(message + GOOD)
    with pytest.raises(UnreadableMessage, match=reason):
        read_message(stream)
    assert read_message(stream) == 7


@pytest.mark.parametrize("message", [b"", b"\r\n", b"Content-Length: 1\r\n", b"Content-Length: 5\r\n\r\n{}"])
def test_the_end(message: bytes) -> None:
    with pytest.raises(EOFError):
        read_message(BytesIO(message))
