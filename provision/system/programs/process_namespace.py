"""A namespace of process ids for one program, so that it can name, and so reach, no process of this machine.

The first process of a namespace is a shell that waits until the program has ended (pid_namespaces(7)). The program gets
a large id there, by chance: shadow writes its process id into lock files, and takes a lock as held while a process has
that id. So the lock that a killed program leaves is not held by a low id, such as 1 or 2, which every machine has.
"""

from __future__ import annotations

import errno
import os
import signal
from contextlib import suppress
from typing import NamedTuple

from provision.system import libc

_SHELL = "/bin/sh"
_FIRST_PROCESS = "{ echo $0 >/proc/sys/kernel/ns_last_pid; } 2>/dev/null; echo; read -r end"
"""Without CONFIG_CHECKPOINT_RESTORE, or where /proc/sys is read-only, the program gets the id 2."""


class FirstProcess(NamedTuple):
    """The first process of a namespace. It ends, and with it every other one, when nobody has `pipe` open any more."""

    pid: int
    pipe: int

    def release(self) -> None:
        """Close our end of the pipe, when the program has its own. Call it once."""
        os.close(self.pipe)

    def end(self) -> None:
        """Kill every process of the namespace that is left, and wait for it."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def begin() -> FirstProcess:
    """Make a namespace for the programs that this thread starts from now on. Raises OSError.

    The caller starts the program with `pipe` as an open file, then calls `release`, and `end` after the program.
    """
    libc.unshare_processes()
    waiting, pipe = os.pipe2(os.O_CLOEXEC)
    told, ready = os.pipe2(os.O_CLOEXEC)
    try:
        files = [(os.POSIX_SPAWN_DUP2, waiting, 0), (os.POSIX_SPAWN_DUP2, ready, 1)]
        pid = os.posix_spawn(_SHELL, ["sh", "-c", _FIRST_PROCESS, str(_last_id())], {}, file_actions=files)
    except BaseException:
        os.close(pipe)
        os.close(told)
        raise
    finally:
        os.close(waiting)
        os.close(ready)
    first = FirstProcess(pid, pipe)
    with open(told, "rb", buffering=0) as answer:
        if answer.read(1):
            return first
    first.release()
    first.end()
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _last_id() -> int:
    """A process id in the upper half of those that the kernel gives."""
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
        half = int(file.read()) // 2
    return half + int.from_bytes(os.urandom(4), "big") % (half - 1000)
