"""A program that runs beside this one until it is told to end, or until this process ends, even if that is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

from provision.system import processes
from provision.system.processes import Finished


class Daemon:
    """A started program; what it writes is kept in memory. Raises FileNotFoundError if it is not on PATH.

    It has a process group of its own, so that an interrupt from the keyboard does not reach it.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        program = processes.find(argv[0])
        if program is None:
            raise FileNotFoundError(argv[0])
        tied = processes.find("setpriv")
        words = [tied, "--pdeathsig", "KILL", "--", program, *argv[1:]] if tied else [program, *argv[1:]]
        self._output = os.memfd_create("output", os.MFD_CLOEXEC)
        self._pid = os.posix_spawn(
            words[0],
            words,
            {**os.environ, "LC_ALL": "C"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, self._output, 1),
                (os.POSIX_SPAWN_DUP2, self._output, 2),
            ],
            setpgroup=0,
        )
        self._status: int | None = None

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status is not None

    def stop(self, seconds: float) -> Finished:
        """Tell it to end, wait for that, and kill it after so many seconds; how it ended, and what it wrote."""
        if not self.ended:
            os.kill(self._pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while not self.ended:
            if time.monotonic() > deadline:
                os.kill(self._pid, signal.SIGKILL)
            time.sleep(0.002)
        written = os.pread(self._output, 1 << 16, 0).decode(errors="replace")
        return Finished(self._status or 0, written)
