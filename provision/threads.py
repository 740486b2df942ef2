"""Starting threads, also where memory is short or the system allows no more.

`threading.Thread.start` waits until the new thread reports that it runs. A thread that gets no memory for its first
steps never reports, so `start` waits for ever (seen with CPython 3.11).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from io import FileIO
from typing import Generic, TypeVar

from provision.failures import Failure

Result = TypeVar("Result")


def start_thread(work: Callable[[], object]) -> bool:
    """Run `work` in a thread that ends with the process; returns False if there is no memory for a thread."""
    from _thread import start_new_thread

    try:
        start_new_thread(work, ())
    except (RuntimeError, MemoryError):
        return False
    return True


class Task(Generic[Result]):
    """A function that runs in a thread of its own, which ends with the process.

    Raises Failure if the system starts no thread, or OSError if there is no descriptor left.

    The thread has the only reference to the write end of a pipe. It is closed when the thread ends, however it ends.
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        from _thread import start_new_thread

        self._outcome: list[tuple[Result] | BaseException] = []
        reading, writing = os.pipe2(os.O_CLOEXEC)
        self._ended = FileIO(reading)
        pipes = [FileIO(writing, "wb")]
        try:
            start_new_thread(_run, (work, self._outcome, pipes.pop()))
        except RuntimeError as error:
            raise Failure("the system starts no new thread", hint=_HINT) from error

    def fileno(self) -> int:
        """The read end of a pipe, which is at end of file when the thread has ended."""
        return self._ended.fileno()

    def result(self) -> Result:
        """Wait for the end of the function; returns what it returned, raises what it raised.

        Raises MemoryError if there was no memory to begin it.
        """
        self._ended.read(1)
        if not self._outcome:
            raise MemoryError
        outcome = self._outcome[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome[0]


_HINT = "give the machine more memory, or allow more processes (pids.max of a container, ulimit -u)"


def _run(work: Callable[[], Result], outcome: list[tuple[Result] | BaseException], pipe: FileIO) -> None:
    with pipe:
        try:
            outcome.append((work(),))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits for it
            outcome.append(error)


def first_to_end(tasks: Sequence[Task[Result]], seconds: float | None, stop: int | None = None) -> Task[Result] | None:
    """The first task that has ended; None if none ends within `seconds`, or before `stop` can be read."""
    import select

    poll = select.poll()
    if stop is not None:
        poll.register(stop, select.POLLIN)
    for task in tasks:
        poll.register(task.fileno(), select.POLLIN)
    ended = poll.poll(None if seconds is None else max(seconds, 0) * 1000)
    return next((task for task in tasks if task.fileno() in {fd for fd, _ in ended}), None)
