"""Starting a thread that nobody joins, also where memory is short.

`threading.Thread.start` waits until the new thread reports that it runs. A thread that gets no memory for its first
steps never reports, so `start` waits for ever (seen with CPython 3.11).
"""

from __future__ import annotations

from collections.abc import Callable


def start_thread(work: Callable[[], object]) -> bool:
    """Run `work` in a thread that ends with the process; returns False if there is no memory for a thread."""
    from _thread import start_new_thread

    try:
        start_new_thread(work, ())
    except (RuntimeError, MemoryError):
        return False
    return True
