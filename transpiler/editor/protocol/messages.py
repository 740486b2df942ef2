"""Messages on a stream: lines of a header, an empty line, and JSON text of the length that the header names.

Source: Language Server Protocol 3.17, "Base Protocol".
"""

from __future__ import annotations

import json
import re
from typing import IO

MAX_BYTES = 1 << 28
"""A longer message is refused: no editor has such a text, and the length is read before the text."""

_LENGTH = re.compile(rb"content-length:[ \t]*([0-9]{1,18})[ \t]*\r?\n", re.IGNORECASE)


class UnreadableMessage(Exception):
    """A message is not JSON, or its header has no usable length. The next message can be read."""


def read_message(stream: IO[bytes]) -> object:
    """The JSON value of the next message. Raises EOFError at the end of the stream, and UnreadableMessage.

    A header is found where a line ends with it. So the stream is read on after a message whose length was wrong.
    """
    length, has_header = None, False
    while line := stream.readline():
        found = _LENGTH.search(line)
        has_header = has_header or bool(line.strip())
        if found and found.end() == len(line):
            length = int(found[1])
        elif has_header and not line.strip():
            return _read_text(stream, length)
    raise EOFError


def _read_text(stream: IO[bytes], length: int | None) -> object:
    if length is None:
        raise UnreadableMessage("the header has no line `Content-Length: NUMBER`")
    if length > MAX_BYTES:
        raise UnreadableMessage(f"the message has more than {MAX_BYTES} bytes")
    text = stream.read(length)
    if len(text) < length:
        raise EOFError
    try:
        return json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UnreadableMessage(f"the message is not JSON of the length that its header names: {error}") from None
    except (ValueError, RecursionError):
        raise UnreadableMessage("the message has a number with too many digits, or too many levels") from None
