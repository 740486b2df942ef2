"""A child program that serves a block device, until it is stopped or this process ends.

Three things prevent deadlocks in the kernel:

- The program has a mount namespace of its own, in which no file system is mounted from the device that it serves. A
  process that dies unmounts what only its namespace still has. The program would then wait for its own device for ever,
  and could not be killed.
- When this process dies, its mounts end first; only then the program is killed (PR_SET_PDEATHSIG, prctl(2)).
- The program never waits for dirty pages when it needs memory, because these may be pages that it has to write itself.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress

from provision.system import libc
from provision.system.programs import processes
from provision.system.programs.processes import Finished

NEEDED = ("unshare", "setpriv")
"""Programs of util-linux that start another program with these properties."""

_OWN_MOUNTS = ("unshare", "--mount", "--propagation", "unchanged", "--")
_TIED = ("setpriv", "--pdeathsig", "KILL", "--")


class Daemon:
    """A started program; what it writes is kept in memory. Raises FileNotFoundError if it is not on PATH.

    It has a process group of its own, so that an interrupt from the keyboard does not reach it. This process sees its
    mounts only if they are below a shared mount (mount_namespaces(7)).
    """

    def __init__(self, argv: Sequence[str]) -> None:
        words = [*_OWN_MOUNTS, *_TIED, *argv]
        program = processes.find(words[0])
        missing = [name for name in (*NEEDED, argv[0]) if processes.find(name) is None]
        if program is None or missing:
            raise FileNotFoundError(*missing)
        self._output = os.memfd_create("output", os.MFD_CLOEXEC)
        with suppress(OSError):  # Linux before 5.6, or not root: then a deadlock is possible, but rare
            libc.set_io_flusher(on=True)
        try:
            self._pid = os.posix_spawn(
                program,
                words,
                {**os.environ, "LC_ALL": "C"},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, self._output, 1),
                    (os.POSIX_SPAWN_DUP2, self._output, 2),
                ],
                setpgroup=0,
            )
        finally:
            with suppress(OSError):
                libc.set_io_flusher(on=False)
        self._status: int | None = None

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status is not None

    def stop(self, seconds: float) -> Finished:
        """Tell it to end, and kill it after `seconds`. Returns how it ended, and its output."""
        if not self.ended:
            os.kill(self._pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while not self.ended:
            if time.monotonic() > deadline:
                os.kill(self._pid, signal.SIGKILL)
            time.sleep(0.002)
        written = os.pread(self._output, 1 << 16, 0).decode(errors="replace")
        return Finished(self._status or 0, written)
