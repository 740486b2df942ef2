"""Where the engine's messages go: the journal by its native protocol, or standard output.

Protocol: systemd's "Native Journal Protocol" (fields as `NAME=value` lines; before a value with a newline stands its
length). Without a journal, lines go to standard output in Ignition's form. journald does not pass messages on to the
consoles: in the initramfs, what a person in front of the machine should know is written to these as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TextIO

SOCKET = "/run/systemd/journal/socket"

IDENTIFIER = "ignition"

LEVELS = {
    "emergency": (0, "EMERGENCY:"),
    "alert": (1, "ALERT    :"),
    "critical": (2, "CRITICAL :"),
    "error": (3, "ERROR    :"),
    "warning": (4, "WARNING  :"),
    "notice": (5, "NOTICE   :"),
    "info": (6, "INFO     :"),
    "debug": (7, "DEBUG    :"),
}
"""Level -> syslog priority, and the word that Ignition writes."""


Log = Callable[[str, str], None]
"""Takes a level of LEVELS and a message. Never give it a secret."""


def silent(_level: str, _message: str) -> None:
    """A log that keeps nothing."""


def notices_on(stream: TextIO) -> Log:
    """A log for a person at a terminal: notices, warnings and errors, each line with the program's name."""

    def write(level: str, message: str) -> None:
        if LEVELS[level][0] <= LEVELS["notice"][0]:
            for line in message.splitlines():
                print(f"provision: {line}", file=stream, flush=True)

    return write


class FieldLog(Protocol):
    """A log that takes fields too, which are for the journal alone."""

    def __call__(self, level: str, message: str, **fields: str) -> None:
        """Write the message."""
        ...


def open_log(stdout: TextIO, *, to_stdout: bool) -> FieldLog:
    """The journal if there is one and it was not asked otherwise, else standard output."""
    return _stream(stdout) if to_stdout else _journal() or _stream(stdout)


def _stream(stream: TextIO) -> FieldLog:
    def write(level: str, message: str, **_fields: str) -> None:
        for line in message.splitlines() or [""]:
            print(LEVELS[level][1], line, file=stream, flush=True)

    return write


def _journal() -> FieldLog | None:
    import socket

    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        channel.connect(SOCKET)
    except OSError:
        channel.close()
        return None

    def write(level: str, message: str, **fields: str) -> None:
        everything = {
            "PRIORITY": str(LEVELS[level][0]),
            "SYSLOG_IDENTIFIER": IDENTIFIER,
            "MESSAGE": message,
            **fields,
        }
        try:
            channel.send(b"".join(encoded(name, value.encode()) for name, value in everything.items()))
        except OSError:  # a message is not worth a failed boot; an over-long one comes without its end
            channel.send(encoded("MESSAGE", message[:4096].encode()))

    return write


def encoded(name: str, value: bytes) -> bytes:
    """One field as the journal takes it."""
    if b"\n" not in value:
        return b"%s=%s\n" % (name.encode(), value)
    return b"%s\n%s%s\n" % (name.encode(), len(value).to_bytes(8, "little"), value)
