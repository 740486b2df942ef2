"""`--timeout`: servers that do not answer, that stop during a transfer, and that are slow."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import Event, Thread
from typing import BinaryIO

import pytest

from provision.commands.timeout import TimedFetcher
from provision.config.format import Resource
from provision.failures import FetchFailed

REMOTE = Resource(source="http://203.0.113.1/x")


class Slow:
    """A fetcher that writes a byte after each pause; it fails when it is cancelled."""

    def __init__(self, *pauses: float) -> None:
        self._pauses = pauses
        self._stop = Event()

    def copy(self, _resource: Resource, into: BinaryIO) -> None:
        for pause in self._pauses:
            if self._stop.wait(pause):
                raise FetchFailed("x", "interrupted")
            into.write(b"x")

    def cancel(self) -> None:
        self._stop.set()


def test_a_slow_transfer_is_not_given_up() -> None:
    into = BytesIO()
    TimedFetcher(Slow(*[0.1] * 8), 0.4).copy(REMOTE, into)
    assert into.getvalue() == b"x" * 8


@pytest.mark.parametrize("pauses", [(30.0,), (0.01, 30.0)])
def test_a_transfer_that_stops_is_given_up(pauses: tuple[float, ...]) -> None:
    with pytest.raises(FetchFailed, match=r"gave up after 0\.3 s") as failed:
        TimedFetcher(Slow(*pauses), 0.3).copy(REMOTE, BytesIO())
    assert "--timeout" in failed.value.hint


def test_a_second_resource_has_its_own_time() -> None:
    fetcher = TimedFetcher(Slow(0.2), 0.3)
    for _ in range(3):
        fetcher.copy(REMOTE, BytesIO())


def test_of_parallel_transfers_one_that_arrives_is_enough() -> None:
    class Both(Slow):
        def copy(self, resource: Resource, into: BinaryIO) -> None:
            pauses = [0.1] * 10 if resource is REMOTE else [0.9]
            Slow(*pauses).copy(resource, into)

    fetcher = TimedFetcher(Both(), 0.4)
    other = BytesIO()
    thread = Thread(target=fetcher.copy, args=(Resource(source="http://203.0.113.2/y"), other))
    thread.start()
    fetcher.copy(REMOTE, BytesIO())
    thread.join()
    assert other.getvalue() == b"x"


@contextmanager
def silent() -> Iterator[str]:
    """The URL of a server that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"


@pytest.mark.slow
def test_a_silent_server_is_given_up() -> None:
    with silent() as url:
        config = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": url}]}}}
        argv = [sys.executable, "-m", "provision", "plan", "-", "--timeout", "1"]
        began = time.monotonic()
        done = subprocess.run(argv, input=json.dumps(config), capture_output=True, text=True, check=False)
    assert (done.returncode, "gave up after 1 s" in done.stderr) == (1, True), done.stderr
    assert "--timeout SECONDS" in done.stderr
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("text", ["-1", "soon", "nan", "inf", "1e9"])
def test_timeouts_that_are_not_numbers_are_refused(text: str) -> None:
    argv = [sys.executable, "-m", "provision", "plan", "-", f"--timeout={text}"]
    done = subprocess.run(argv, input="{}", capture_output=True, text=True, check=False)
    assert (done.returncode, "not a number of seconds" in done.stderr) == (2, True), done.stderr
