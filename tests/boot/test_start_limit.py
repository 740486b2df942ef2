"""A step that works is waited for; one that does nothing is not."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from provision.boot.start_limit import LIMIT, VARIABLE, Activity, activity, extended, has_own_limit

HOUSE = Path(__file__).parents[2]


@contextmanager
def thread(work: Callable[[], object]) -> Iterator[None]:
    """Another thread of this process, which asks for the activity."""
    running = Thread(target=work)
    running.start()
    yield
    running.join()


def test_a_thread_that_computes_works() -> None:
    found, ended = [False], Event()

    def compute() -> None:
        while not ended.is_set():
            pass

    with thread(compute):
        while not found[0]:
            found[0] = activity().works
        ended.set()


def test_a_process_that_waits_does_nothing() -> None:
    """All but the thread that asks wait for it."""
    seen = list[Activity]()

    def look() -> None:
        seen.append(activity())
        while seen[-1].works:  # until the main thread waits
            seen.append(activity())
        seen.append(activity())

    with thread(look):
        pass
    main = str(os.getpid())
    assert [one.works for one in seen[-2:]] == [False, False]
    assert seen[-2].switches[main] == seen[-1].switches[main]


def test_a_process_that_wakes_up_works() -> None:
    before, main = activity_of_main_thread(), str(os.getpid())
    time.sleep(0.001)
    assert activity_of_main_thread().switches[main] != before.switches[main]


def activity_of_main_thread() -> Activity:
    """The activity that another thread sees."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(activity).result()


def test_any_bytes_in_the_name_of_a_thread_are_read() -> None:
    before = Path("/proc/self/comm").read_bytes()
    try:
        Path("/proc/self/comm").write_bytes(b"\xff\xfe")
        assert str(os.getpid()) in activity_of_main_thread().switches
    finally:
        Path("/proc/self/comm").write_bytes(before)


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


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        ("echo 5min", True),
        ("echo 1min", False),
        ("echo infinity", False),
        ("true", True),
        ("echo 'connection timed out' >&2; exit 1", True),
        ("echo 'a warning' >&2; echo 5min", True),
    ],
)
def test_the_limit_of_the_unit_is_looked_up(
    does: str,
    expected: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\n{does}\n")
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


def test_systemd_ends_what_a_killed_step_leaves() -> None:
    """As the default of KillMode= does (systemd.kill(5)): a tool of the root is in the cgroup of the unit."""
    for path in (HOUSE / "dracut/units").glob("*.service"):
        assert not {"KillMode", "SendSIGKILL"} & {line.partition("=")[0] for line in path.read_text().splitlines()}, (
            path
        )
