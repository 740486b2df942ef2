"""A process that forks for each request: what it has loaded, a fork need not load again.

Requests and answers are lines in two FIFOs: `PID WORD...`, and `PID STATUS`. PID is the process that asks and waits.
The fork takes its place: it gets its unit (the cgroup), mounts, environment and output. So for systemd it is a process
of that unit: the journal names the unit, what stops the unit stops the fork, and limits of memory hold. Whoever asks
sees the end of the server as the end of the answers, because only the server has that FIFO open for writing.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from provision.stop_signals import STOP_SIGNALS
from provision.system import libc

CGROUPS = "/sys/fs/cgroup"

Work = Callable[[int, list[str]], NoReturn]
"""What a fork does for a process (its id) and the words of the request; it ends the fork."""


def is_possible() -> bool:
    """Whether a process of this program can take the place of one of systemd's: tries it on this process itself.

    It takes systemd, one tree of cgroups (v2), and Linux 5.8. Call it without other threads.
    """
    if "INVOCATION_ID" not in os.environ or not os.path.exists(f"{CGROUPS}/cgroup.procs"):
        return False
    try:
        process, folder = os.pidfd_open(os.getpid()), os.getcwd()
        libc.enter_mounts(process)
        os.chdir(folder)
        os.close(libc.descriptor_of(process, 1))
        os.close(process)
    except OSError:
        return False
    return True


def start(requests: str, answers: str, work: Work) -> None:
    """Leave a fork of this process as the server, with FIFOs of these names. It ends by SIGTERM, and removes them.

    Call it without other threads, and before this process has any secrets. Raises OSError.
    """
    for path in (requests, answers):
        with suppress(FileNotFoundError):
            os.unlink(path)
        os.mkfifo(path, 0o600)
    # read and write: the server neither waits for the other side nor sees its end
    descriptors = [os.open(path, os.O_RDWR | os.O_CLOEXEC) for path in (requests, answers)]
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # no collection writes to the pages that forks share
    if os.fork() == 0:
        _Server(requests, answers, *descriptors).run(work)
    for descriptor in descriptors:
        os.close(descriptor)


def take_place_of(pid: int) -> None:
    """Join the unit of a process, and get its mounts, environment and output. Raises OSError."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        environment = [entry.partition(b"=") for entry in file.read().split(b"\0") if entry]
    with open(f"/proc/{pid}/cgroup", encoding="ascii", errors="surrogateescape") as file:
        unit = next(line[3:] for line in file.read().splitlines() if line.startswith("0::"))
    with open(f"{CGROUPS}{unit}/cgroup.procs", "w", encoding="ascii") as file:
        file.write("0")
    os.setsid()
    process = os.pidfd_open(pid)
    with suppress(PermissionError):  # kernel.yama.ptrace_scope=3 forbids it: then the output stays the server's
        for number in (1, 2):
            descriptor = libc.descriptor_of(process, number)
            os.dup2(descriptor, number)
            os.close(descriptor)
    libc.enter_mounts(process)
    os.close(process)
    os.environb.clear()
    os.environb.update({name: value for name, _, value in environment})


class _Server:
    """The loop of the server. Requests are carried out one after the other. A stop signal ends it."""

    def __init__(self, requests: str, answers: str, reading: int, writing: int) -> None:
        self._files = (requests, answers)
        self._reading = reading
        self._writing = writing
        self._is_busy = False
        self._ends = False

    def run(self, work: Work) -> NoReturn:
        for number in STOP_SIGNALS:
            signal.signal(number, self._end)
        with open(self._reading, encoding="utf-8", errors="surrogateescape") as lines:
            for line in iter(lines.readline, ""):
                self._is_busy = True
                client, *words = line.split()
                status = self._status(int(client), words, work)
                if self._ends:
                    self._remove_files()
                self._answer(client, status)
                self._is_busy = False
                if self._ends:
                    self._leave()
        os._exit(os.EX_SOFTWARE)  # never: this process has the FIFO open for writing too

    def _status(self, client: int, words: list[str], work: Work) -> int:
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            libc.end_with_parent(server)  # else nobody would know how it ends
            os.close(self._writing)
            os.close(self._reading)
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            try:
                work(client, words)
            finally:
                os._exit(os.EX_SOFTWARE)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def _answer(self, client: str, status: int) -> None:
        # the exit status of a shell for a process that a signal has ended
        os.write(self._writing, f"{client} {128 - status if status < 0 else status}\n".encode())

    def _end(self, _number: int, _frame: object) -> None:
        """End now, or after the request that is being carried out."""
        self._ends = True
        if not self._is_busy:
            self._leave()

    def _leave(self) -> NoReturn:
        self._remove_files()
        os._exit(0)

    def _remove_files(self) -> None:
        for path in self._files:
            with suppress(OSError):
                os.unlink(path)
