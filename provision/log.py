"""Where the engine's messages go: the journal by its native protocol, or standard output.

Protocol: systemd's "Native Journal Protocol" (fields as `NAME=value` lines; a value with a newline is preceded by its
length). Without a journal, lines go to standard output in Ignition's form. journald does not show messages on the
consoles, so in the initramfs notices and warnings are also written to the consoles (see `provision.system.consoles`).
The last message is also the status of the unit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
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
    "progress": (5, "NOTICE   :"),
    "info": (6, "INFO     :"),
    "debug": (7, "DEBUG    :"),
}
"""Level -> syslog priority, and the word that Ignition writes before a message.

`progress` is a notice about what a boot does when all goes well: with `quiet` consoles do not show it.
"""


Log = Callable[[str, str], None]
"""Takes a level of LEVELS and a message. Never give it a secret."""


def silent(_level: str, _message: str) -> None:
    """A log that ignores every message."""


def notices_on(stream: TextIO) -> Log:
    """A log for a person at a terminal: notices, warnings and errors, each line with the program's name."""

    def write(level: str, message: str) -> None:
        if LEVELS[level][0] <= LEVELS["notice"][0]:
            for line in message.splitlines():
                print(f"provision: {line}", file=stream, flush=True)

    return write


class FieldLog(Protocol):
    """A log that also takes fields; only the journal stores them."""

    def __call__(self, level: str, message: str, **fields: str) -> None:
        """Write the message."""
        ...


def open_log(stdout: TextIO, *, to_stdout: bool) -> FieldLog:
    """A log to the journal; to `stdout` if there is no journal or `to_stdout` is set."""
    return _stream(stdout) if to_stdout else _journal() or _stream(stdout)


def _stream(stream: TextIO) -> FieldLog:
    def write(level: str, message: str, **_fields: str) -> None:
        for line in message.splitlines() or [""]:
            print(LEVELS[level][1], line, file=stream, flush=True)

    return write


def also_in_journal(log: FieldLog, place: str = SOCKET) -> FieldLog:
    """A log that also sends messages with a MESSAGE_ID to the journal, if there is one.

    Programs look there for them, and the log of a unit that writes to standard output has no fields.
    """

    def write(level: str, message: str, **fields: str) -> None:
        log(level, message, **fields)
        journal = _journal(place) if "MESSAGE_ID" in fields else None
        if journal is not None:
            journal(level, message, **fields)

    return write


def _journal(place: str = SOCKET) -> FieldLog | None:
    import socket

    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        channel.connect(place)
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
            channel.send(b"".join(journal_field(name, value.encode()) for name, value in everything.items()))
        except OSError:  # it may be too long; a lost message must not stop the boot
            channel.send(journal_field("MESSAGE", message[:4096].encode()))

    return write


def with_unit_status(log: FieldLog) -> FieldLog:
    """A log that also makes each message the status of this unit, which `systemctl status` shows.

    Debug messages do not count. Without systemd it is the same log. Protocol: sd_notify(3).
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return log
    import socket

    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    place = f"\0{address[1:]}" if address.startswith("@") else address

    def write(level: str, message: str, **fields: str) -> None:
        log(level, message, **fields)
        if level != "debug":
            # a status that systemd does not take must neither stop nor delay the boot
            with suppress(OSError):
                channel.sendto(f"STATUS={message.partition(chr(10))[0]}".encode(), socket.MSG_DONTWAIT, place)

    return write


def journal_field(name: str, value: bytes) -> bytes:
    """One field in the form of the journal's native protocol."""
    if b"\n" not in value:
        return b"%s=%s\n" % (name.encode(), value)
    return b"%s\n%s%s\n" % (name.encode(), len(value).to_bytes(8, "little"), value)
