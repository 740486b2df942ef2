"""A step that works is waited for; one that does nothing is not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import pytest

from provision.boot.start_limit import LIMIT, VARIABLE, activity, extended, has_own_limit, unit_processes

HOUSE = Path(__file__).parents[2]


@contextmanager
def child(text: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program that has written a line."""
    argv = [sys.executable, "-c", f"import sys, time\nprint(1, flush=True)\n{text}"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_program_that_computes_works() -> None:
    with child("while True: pass") as process:
        while not activity([str(process.pid)]).works:
            pass


def test_a_program_that_wakes_up_works() -> None:
    with child("while True: time.sleep(0.001)") as process:
        before = activity([str(process.pid)])
        while activity([str(process.pid)]).switches == before.switches:
            pass


def test_any_bytes_in_the_name_of_a_thread_are_read() -> None:
    with child("open('/proc/self/comm', 'wb').write(b'\\xff\\xfe')\nprint(2, flush=True)\nsys.stdin.read()") as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list(activity([str(process.pid)]).switches) == [str(process.pid)]


def test_a_program_that_waits_or_is_stopped_does_nothing() -> None:
    with child("sys.stdin.read()") as process:
        name = str(process.pid)
        while activity([name]).works:  # until it waits
            pass
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        before = activity([name])
        assert (before.works, activity([name])) == (False, before)
    assert activity([name]).switches == {}


def test_this_process_is_one_of_its_unit() -> None:
    assert str(os.getpid()) in unit_processes()


def test_systemd_is_asked_to_wait_as_long_as_the_block_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(place)
        monkeypatch.setenv("NOTIFY_SOCKET", place)
        systemd.settimeout(0)
        threads = {*os.listdir("/proc/self/task")}
        with extended(interval=0.01, is_wanted=lambda: True):
            message = b""
            while not message:  # this is the work
                with suppress(BlockingIOError):
                    message = systemd.recv(100)
        assert {*os.listdir("/proc/self/task")} <= threads, "its own thread is still there"
        assert message == f"EXTEND_TIMEOUT_USEC={LIMIT * 1e6:.0f}".encode()


def test_systemd_is_not_asked_where_a_drop_in_has_set_another_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "notify")
    looked = Event()

    def is_wanted() -> bool:
        looked.set()
        return False

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(place)
        monkeypatch.setenv("NOTIFY_SOCKET", place)
        systemd.settimeout(0)
        with extended(interval=0.01, is_wanted=is_wanted):
            looked.wait()
        with pytest.raises(BlockingIOError):
            systemd.recv(100)


@pytest.mark.parametrize(("shown", "expected"), [("5min", True), ("1min", False), ("infinity", False), ("", True)])
def test_the_limit_of_the_unit_is_looked_up(
    shown: str,
    expected: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\necho '{shown}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv(VARIABLE, "5min")
    assert has_own_limit() == expected


def test_the_limit_is_that_of_the_units() -> None:
    units = [path for path in (HOUSE / "dracut/units").glob("*.service") if "stage.sh" in path.read_text()]
    units += [HOUSE / "dracut/units/provision-look.service"]
    assert len(units) > 5
    for path in units:
        lines = path.read_text().splitlines()
        assert {f"TimeoutStartSec={LIMIT / 60:.0f}min", f"Environment={VARIABLE}={LIMIT / 60:.0f}min"} <= {*lines}, path
