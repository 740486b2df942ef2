"""Work on many files in several processes; the results are in the order of the files.

It calls `fork` itself, because importing the pools of the standard library takes longer than checking 100 files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, NoReturn, TypeVar

ONE_PROCESS_UP_TO = 8
"""Up to this number of files, one process is faster than several."""

Made = TypeVar("Made")


def in_order(
    work: Callable[[str], Made], names: Sequence[str], jobs: int, *, on_killed_worker: Callable[[str], Made]
) -> Iterator[Made]:
    """The result of `work` for each name, from `jobs` processes. Results are pickled between processes.

    For a name whose process was killed, the result is that of `on_killed_worker`.
    """
    jobs = min(jobs, len(names))
    if jobs <= 1 or len(names) <= ONE_PROCESS_UP_TO or not hasattr(os, "fork"):
        yield from map(work, names)
        return
    from pickle import load

    sys.stdout.flush()
    sys.stderr.flush()
    with ExitStack() as stack:
        pipes = [stack.enter_context(_start(work, names[number::jobs])) for number in range(jobs)]
        for index in range(len(names)):
            try:
                made: Made = load(pipes[index % jobs])  # noqa: S301 - written by a fork of this very process
            except EOFError:
                made = on_killed_worker(names[index])
            yield made


@contextmanager
def _start(work: Callable[[str], object], names: Sequence[str]) -> Iterator[IO[bytes]]:
    """Start a child process that works on `names`; gives the pipe from which its results are read."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _serve(work, names, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            yield pipe
    finally:
        os.waitpid(child, 0)


def _serve(work: Callable[[str], object], names: Sequence[str], writing: int) -> NoReturn:
    """Work in a child process, and end it without running the exit handlers of its parent."""
    from pickle import dump

    try:
        with os.fdopen(writing, "wb") as pipe:
            for name in names:
                dump(work(name), pipe)
                pipe.flush()
    except (BrokenPipeError, KeyboardInterrupt):  # the parent has stopped, or reports it
        pass
    finally:
        os._exit(0)
