"""Starting a thread that nobody joins, also where memory is short.

`threading.Thread.start` waits until the new thread says that it runs; one that finds no memory for its first steps
never says so, and the start waits for ever (seen with CPython 3.11).
"""

from __future__ import annotations

from collections.abc import Callable


def start_thread(work: Callable[[], object]) -> bool:
    """Run `work` in a thread that ends with the process; returns False where there is no memory for one."""
    from _thread import start_new_thread

    try:
        start_new_thread(work, ())
    except (RuntimeError, MemoryError):
        return False
    return True
