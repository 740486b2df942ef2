"""`--timeout`: how long a command waits for a server that does not answer, or that stops sending."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from threading import Event, Lock
from typing import BinaryIO, cast

from provision.config.format import Resource
from provision.config.urls import redacted
from provision.engine.interfaces import Fetcher
from provision.failures import FetchFailed
from provision.threads import start_thread

DEFAULT = 60.0
"""Seconds. A boot waits without limit, for nobody could start it again; at a terminal somebody is waiting."""

HINT = "--timeout SECONDS waits longer, and 0 without limit"


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        "--timeout",
        type=to_seconds,
        default=DEFAULT,
        metavar="SECONDS",
        help=f"give up when a server sends nothing for so long ({DEFAULT:g}; 0 is without limit)",
    )


def to_seconds(text: str) -> float:
    """A number of seconds, as written on a command line. Raises ArgumentTypeError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds; write e.g. 90, or 0 for no limit")
    return seconds


class TimedFetcher:
    """A `Fetcher` that gives up when nothing has arrived for so many seconds, by whatever is fetched side by side."""

    def __init__(self, fetcher: Fetcher, seconds: float) -> None:
        self._fetcher = fetcher
        self._seconds = seconds
        self._lock = Lock()
        self._running = 0
        self._arrived = Event()
        self._over = Event()
        self._gave_up = False

    def copy(self, resource: Resource, into: BinaryIO) -> None:
        """Stream the verified bytes of a resource. Raises FetchFailed."""
        if not self._seconds:
            self._fetcher.copy(resource, into)
            return
        self._begin()
        try:
            self._fetcher.copy(resource, cast("BinaryIO", _Counted(into, self._arrived.set)))
        except FetchFailed as failed:
            if not self._gave_up:
                raise
            cause = f"gave up after {self._seconds:g} s in which nothing arrived"
            raise FetchFailed(redacted(resource.source or ""), cause, hint=HINT) from failed
        finally:
            self._end()

    def cancel(self) -> None:
        """Let what is being fetched fail."""
        self._fetcher.cancel()

    def _begin(self) -> None:
        with self._lock:
            self._running += 1
            if self._running == 1:
                self._over = Event()
                self._arrived.clear()
                start_thread(partial(self._watch, self._over))

    def _end(self) -> None:
        with self._lock:
            self._running -= 1
            if not self._running:
                self._over.set()
                self._arrived.set()

    def _watch(self, over: Event) -> None:
        """Cancel everything when a whole interval passes without a byte."""
        while self._arrived.wait(self._seconds):
            if over.is_set():
                return
            self._arrived.clear()
            if over.wait(min(1.0, self._seconds / 10)):  # bytes may come often: once in a while is enough
                return
        self._gave_up = True
        self._fetcher.cancel()


class _Counted:
    """A file that tells of every write. The rest of its methods are those of the file."""

    def __init__(self, file: BinaryIO, arrived: Callable[[], None]) -> None:
        self._file = file
        self._arrived = arrived

    def write(self, data: bytes) -> int:
        """As of a file."""
        self._arrived()
        return self._file.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)
