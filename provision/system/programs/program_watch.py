"""Watch a program that takes long: say that it still runs, and stop it when it hangs.

Formatting a large disk takes long, but the program does not hang. A program hangs if for ten minutes neither it nor any
program that it started has used the processor, read or written, and none of them waits for a device (proc(5):
/proc/PID/io, /proc/PID/stat, states of processes). A program that waits for a device cannot be stopped.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from threading import get_ident, main_thread
from typing import NamedTuple

from provision.failures import Failure
from provision.stop_signals import stopped_by

_MOST_BETWEEN_REPORTS = 60.0
_GRACE_SECONDS = 5.0
"""Seconds between SIGTERM and SIGKILL."""

_SHORT_GRACE_SECONDS = 0.2
_SOON_KILLED = {("cryptsetup", "luksFormat")}
"""These obey SIGTERM only after deriving a key, which takes seconds. Killed, they leave what a power cut leaves: a
header without a key, which the next run finds to be half-made."""


class ProgramHangs(Failure):
    """A program did nothing for too long and was stopped."""


class ProgramStopped(Failure):
    """A program of another thread was ended, because this process was told to stop."""


def _ignore_report(_line: str) -> None:
    """Ignore a report."""


class WatchSettings(NamedTuple):
    """`report` is called with messages for people, one line each.

    The other fields are seconds: between two looks; until the first report; and without activity until the stop.
    """

    report: Callable[[str], None] = _ignore_report
    look: float = 1.0
    first_report: float = 10.0
    idle: float = 600.0


DEFAULT = WatchSettings()

TRIAL = WatchSettings(idle=20.0)
"""For programs that only answer a question: one that hangs gives no answer. The real run reports what it does."""


class _Activity(NamedTuple):
    """Counters of a program and of the programs that it started, which change when one of them works."""

    written: int = 0
    counters: tuple[str, ...] = ()
    waits_for_device: bool = False


class ProgramWatch:
    """Watches the program with the command line `argv`, whose process is `pid`."""

    def __init__(self, pid: int, argv: Sequence[str], settings: WatchSettings) -> None:
        self._pid = pid
        self._name = argv[0]
        self._grace = grace_seconds(argv)
        self._settings = settings
        self._began = self._active = time.monotonic()
        self._next_report = settings.first_report
        self._last = _Activity()

    def look(self) -> None:
        """Call it every `WatchSettings.look` seconds while the program runs. Raises ProgramHangs, ProgramStopped.

        A stop signal interrupts the main thread itself, which then runs programs that clean up; these go on.
        """
        if stopped_by() is not None and get_ident() != main_thread().ident:
            raise ProgramStopped(f"{self._name} was stopped")
        now = time.monotonic()
        activity = _activity(self._pid)
        if activity != self._last or activity.waits_for_device:
            self._last, self._active = activity, now
        idle, elapsed = now - self._active, now - self._began
        if elapsed >= self._next_report:
            self._next_report = elapsed + min(elapsed, _MOST_BETWEEN_REPORTS)
            self._settings.report(f"{self._name} has been running for {elapsed:.0f} s, {self._state(activity, idle)}")
        if idle > self._settings.idle:
            hint = "check whether a device or server that it needs has failed"
            raise ProgramHangs(f"{self._name} did nothing for {idle:.0f} s and was stopped", hint=hint)

    def stop(self) -> None:
        """End the program and all that it started, and wait for it."""
        stop(self._pid, self._grace)

    def _state(self, activity: _Activity, idle: float) -> str:
        if idle > 2 * self._settings.look:
            return f"idle for {idle:.0f} s, and is stopped after {self._settings.idle:.0f} s"
        if activity.waits_for_device:
            return f"waiting for a device, {activity.written >> 20} MiB written"
        return f"at work, {activity.written >> 20} MiB written"


def grace_seconds(argv: Sequence[str]) -> float:
    """How many seconds a program has to end after SIGTERM, before SIGKILL."""
    return _SHORT_GRACE_SECONDS if tuple(argv[:2]) in _SOON_KILLED else _GRACE_SECONDS


def stop(pid: int, grace: float) -> None:
    """End a child process and all that it started: SIGTERM, and SIGKILL `grace` seconds later. Wait for the child."""
    family = list(_family(pid))
    _signal(family, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
        time.sleep(0.01)
    _signal({*family, *_family(pid)}, signal.SIGKILL)
    os.waitpid(pid, 0)


def _signal(pids: Iterator[int] | list[int] | set[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _family(pid: int) -> Iterator[int]:
    """The process and its descendants; only itself if the kernel has no CONFIG_PROC_CHILDREN."""
    yield pid
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            for child in _read(f"/proc/{pid}/task/{thread}/children").split():
                yield from _family(int(child))


def _activity(pid: int) -> _Activity:
    written, counters, waits = 0, [], False
    for one in _family(pid):
        traffic = dict(line.split(": ") for line in _read(f"/proc/{one}/io").splitlines())
        written += int(traffic.get("write_bytes", 0))
        # after the name: the state is field 3; utime, stime, cutime and cstime are fields 14 to 17 (proc(5))
        fields = _read(f"/proc/{one}/stat").rpartition(")")[2].split()
        counters += [str(one), *traffic.values(), *fields[11:15]]
        waits = waits or fields[:1] == ["D"]
    return _Activity(written, tuple(counters), waits)


def _read(path: str) -> str:
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
    return ""
