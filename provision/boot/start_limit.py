"""The time limit of the units: systemd ends a step that does nothing, and never one that works.

The units have a limit (TimeoutStartSec=, systemd.service(5)). A thread asks systemd to extend it (EXTEND_TIMEOUT_USEC=,
sd_notify(3)) as long as the step works: since it asked last, a thread of this process has used the processor, or one
waits for a disk now. A stopped process does neither, and so does one that waits for ever. While a program runs, a
thread looks each second whether that still works (provision.system.programs.program_watch).

Only the limit that VARIABLE names is extended. A drop-in with another TimeoutStartSec= limits the step as a whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread, get_native_id
from typing import NamedTuple

from provision.failures import Failure

LIMIT = 300.0
"""Seconds in which a step may do nothing; TimeoutStartSec= of our units."""

VARIABLE = "PROVISION_START_LIMIT"
"""Environment variable of our units: the limit that is extended, as systemctl(1) shows it."""

INTERVAL = 10.0
"""Seconds between two looks."""

_FIELDS = re.compile(rb"^(State|(?:non)?voluntary_ctxt_switches):\s+(\S+)", re.MULTILINE)
"""Fields of /proc/self/task/TID/status (proc_pid_status(5))."""

_WORKS = frozenset({b"R", b"D"})
"""It runs, or waits for a disk: states of a thread."""


def has_own_limit() -> bool:
    """Whether the unit of this process has the limit that is extended; also if systemd does not say."""
    from provision.system.programs import processes

    argv = ["systemctl", "show", "--value", "--property=TimeoutStartUSec", "--", _unit()]
    try:
        done = processes.run(argv)
    except (OSError, Failure):
        return True
    return done.status != 0 or not done.lines or os.environ.get(VARIABLE) in done.lines


@contextmanager
def extended(*, interval: float = INTERVAL, is_wanted: Callable[[], bool] = has_own_limit) -> Iterator[None]:
    """While the block works, its unit does not reach its limit. Without systemd it does nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        yield
        return
    ended = Event()
    place = f"\0{address[1:]}" if address.startswith("@") else address
    thread = Thread(target=_ask, args=(place, ended, interval, is_wanted), daemon=True)
    try:
        thread.start()
    except RuntimeError:  # there are too many threads; the step has the time that the unit gives it
        yield
        return
    try:
        yield
    finally:
        ended.set()
        thread.join()
        # the kernel may still have the thread for a moment; what comes next may need a process without threads
        while os.path.exists(f"/proc/self/task/{thread.native_id}"):
            os.sched_yield()


def _ask(place: str, ended: Event, interval: float, is_wanted: Callable[[], bool]) -> None:
    if ended.wait(interval) or not is_wanted():  # most steps have ended before
        return
    import socket

    message = f"EXTEND_TIMEOUT_USEC={LIMIT * 1e6:.0f}".encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        before = Activity(works=True, switches={})
        while True:
            now = activity()
            if now.works or now.switches != before.switches:
                before = now
                with suppress(OSError):
                    channel.sendto(message, socket.MSG_DONTWAIT, place)
            if ended.wait(interval):
                return


class Activity(NamedTuple):
    """What the threads of a step do: whether one runs, or waits for a disk; and how often each left the processor."""

    works: bool
    switches: dict[str, bytes]


def activity() -> Activity:
    """The activity of this process, but for the thread that asks."""
    works, switches = False, dict[str, bytes]()
    own = str(get_native_id())
    for thread in os.listdir("/proc/self/task"):
        if thread != own:
            with suppress(OSError), open(f"/proc/self/task/{thread}/status", "rb") as file:
                fields = dict(_FIELDS.findall(file.read()))
                works = works or fields.pop(b"State", b"") in _WORKS
                switches[thread] = b" ".join(fields.values())
    return Activity(works, switches)


def _unit() -> str:
    """The unit of this process, by its cgroup (cgroups(7)); empty if there is none."""
    with suppress(OSError), open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
        paths = [line.rstrip("\n").split(":", 2)[2] for line in file if line.startswith(("0::", "1:name=systemd:"))]
        return os.path.basename(paths[-1]) if paths else ""
    return ""
