"""`--timeout`: how long a command waits for a server that does not answer, or that stops sending."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from threading import Event, Lock
from typing import BinaryIO, cast

from provision.config.format import Resource
from provision.config.resources.urls import redacted
from provision.engine.protocols import Fetcher
from provision.failures import FetchFailed
from provision.threads import start_thread

DEFAULT = 60.0
"""Seconds. Only commands have this limit: a boot waits without one, because nobody may be there to start it again."""

HINT = "--timeout SECONDS waits longer, and 0 without limit"


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        "--timeout",
        type=to_seconds,
        default=DEFAULT,
        metavar="SECONDS",
        help=f"give up when a server sends nothing for this time ({DEFAULT:g}; 0 is no limit)",
    )


def to_seconds(text: str) -> float:
    """The number of seconds that a word of a command line means, at least 0. Raises ArgumentTypeError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds; write e.g. 90, or 0 for no limit")
    return seconds


class TimedFetcher:
    """A `Fetcher` that gives up when none of its fetches has received anything for `seconds`."""

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
            cause = f"gave up after {self._seconds:g} s without any data"
            raise FetchFailed(redacted(resource.source or ""), cause, hint=HINT) from failed
        finally:
            self._end()

    def cancel(self) -> None:
        """Make every fetch that is running fail now."""
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
        """Cancel every fetch when no byte has arrived during a whole interval."""
        while self._arrived.wait(self._seconds):
            if over.is_set():
                return
            self._arrived.clear()
            if over.wait(min(1.0, self._seconds / 10)):  # bytes may come often: check now and then
                return
        self._gave_up = True
        self._fetcher.cancel()


class _Counted:
    """A file that calls `arrived` at every write. All other methods are those of the file."""

    def __init__(self, file: BinaryIO, arrived: Callable[[], None]) -> None:
        self._file = file
        self._arrived = arrived

    def write(self, data: bytes) -> int:
        """Write to the file, and call `arrived`."""
        self._arrived()
        return self._file.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


def add_total_timeout(parser: argparse.ArgumentParser) -> None:
    """Declare `--timeout` of a command that has one limit for all that it does."""
    parser.add_argument(
        "--timeout",
        type=to_seconds,
        default=DEFAULT,
        metavar="SECONDS",
        help=f"limit for the whole command; 0 is no limit ({DEFAULT:.0f})",
    )
