"""Starting threads, also where memory is short.

`threading.Thread.start` waits until the new thread reports that it runs. A thread that gets no memory for its first
steps never reports, so `start` waits for ever (seen with CPython 3.11).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from io import FileIO


def start_thread(work: Callable[[], object]) -> bool:
    """Run `work` in a thread that ends with the process; returns False if there is no memory for a thread."""
    from _thread import start_new_thread

    try:
        start_new_thread(work, ())
    except (RuntimeError, MemoryError):
        return False
    return True


def run_in_thread(work: Callable[[], object]) -> None:
    """Run `work` in a thread and wait until it has ended; it may not have begun, if memory was short.

    The thread has the only reference to the write end of a pipe. It is closed when the thread ends, however it ends.
    Raises MemoryError, or OSError if there is no descriptor left.
    """
    from _thread import start_new_thread

    def with_pipe(pipe: FileIO) -> None:
        with pipe:
            work()

    reading, writing = os.pipe2(os.O_CLOEXEC)
    with FileIO(reading) as ended:
        pipes = [FileIO(writing, "wb")]
        try:
            start_new_thread(with_pipe, (pipes.pop(),))
        except RuntimeError as error:
            raise MemoryError from error
        ended.read(1)
