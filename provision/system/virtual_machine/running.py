"""A running virtual machine: a child process that ends with this one, on the terminal or without one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import subprocess

_LOOK = 0.1
"""Seconds between two looks."""

_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""


class RunningMachine:
    """qemu, until the end of the block. With `terminal` it has standard input and output, and keys go to the guest.

    Otherwise an interrupt from the keyboard does not reach it. Its messages go to the file `log`.
    """

    def __init__(self, argv: Sequence[str], log: Path, *, terminal: bool) -> None:
        import subprocess

        self._terminal = _terminal_settings() if terminal else []
        # the kernel ends it with this process (PR_SET_PDEATHSIG, prctl(2))
        words = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
        stdin = None if terminal else subprocess.DEVNULL
        with log.open("wb") as messages:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                words, stdin=stdin, stderr=messages, start_new_session=not terminal
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Wait until the machine has ended, or `until` is true, which is returned then."""
        while self._process.poll() is None:
            if until():
                return True
            time.sleep(_LOOK)
        return until()

    @property
    def status(self) -> int | None:
        """The exit status of qemu; None as long as it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """End it, if it runs, and give the terminal its settings back."""
        from subprocess import TimeoutExpired

        self._process.terminate()
        try:
            self._process.wait(_GRACE)
        except TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._terminal:
            import termios

            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self._terminal)


def has_terminal() -> bool:
    """Whether standard input and output are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def free_port() -> int:
    """A TCP port of the loopback interface that nothing uses at the moment."""
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _terminal_settings() -> list[Any]:
    import termios

    return termios.tcgetattr(0) if os.isatty(0) else []
