"""`--watch`: a command runs again when a file that took part in its last run changes.

Files are looked at twice a second, because that needs no library and works on shared folders of virtual machines and
containers, where the kernel reports no changes of the other side.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from provision.config.reports.streams import GuardedWriter
from transpiler.commands.output import OutputFailed

INTERVAL = 0.5
"""Seconds between two looks."""

SETTLING = 0.1
"""Seconds without a further change before the command runs: editors write a file in several steps."""

PATIENCE = 1.0
"""Seconds in which a file that vanished may come back: some editors delete a file before they write it anew."""

DISCOVERY_SHARE = 20
"""The search for new files takes at most one part of so many of the time."""


class WatchedFiles(set[str]):
    """Paths of files, and the `state` of each when it was added: before it was read, so that no change is missed."""

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[str, object] = {}

    def add(self, path: str) -> None:
        """Add a path, which need not exist."""
        if path not in self:
            self.state[path] = _signature(path)
        super().add(path)

    def update(self, *paths: Iterable[str]) -> None:
        """Add many."""
        for path in (one for some in paths for one in some):
            self.add(path)

    def has_changed(self) -> bool:
        """Whether a file is not what it was."""
        return any(_signature(path) != known for path, known in self.state.items())

    def lacks_one(self) -> bool:
        """Whether a file has vanished."""
        return any(known is not None and _signature(path) is None for path, known in self.state.items())


Run = Callable[[WatchedFiles], int]
"""Runs the command once, and adds the paths of all files that take part, also of those that do not exist."""


def watch(run: Run, find: Callable[[], Sequence[str]] = tuple) -> int:
    """Run a command now, and after each change, until a signal ends it. `find` lists the files that it would take.

    It returns 0 if nobody reads any more what it writes, such as the rest of a pipe.

    What ends the first run (wrong usage, an output that cannot be written) is raised. Later, it is only reported.
    """
    found, files = _Found(find), WatchedFiles()
    run(files)
    while _is_read(sys.stdout) and _is_read(sys.stderr):
        _say(f"watching {len(files)} {'file' if len(files) == 1 else 'files'}; Ctrl-C ends")
        _wait(files, found)
        if sys.stderr.isatty():
            sys.stderr.write("\x1b[2J\x1b[H")
        before, files = files, WatchedFiles()
        try:
            run(files)
        except OutputFailed as failed:
            print(failed, file=sys.stderr)
        except SystemExit:
            files.update(before)
    return 0


def is_pipe(path: str) -> bool:
    """Whether a file is a pipe. Who reads one may wait for ever, and a watch would see no further change."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def _is_read(stream: TextIO) -> bool:
    """Whether a stream took all that was written to it."""
    stream.flush()
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return not isinstance(raw, GuardedWriter) or raw.failure is None


class _Found:
    """The files that a search finds. It is repeated often if it is fast."""

    def __init__(self, find: Callable[[], Sequence[str]]) -> None:
        self.find = find
        self.names: Sequence[str] = ()
        self.after = 0.0
        self.has_changed()

    def has_changed(self) -> bool:
        """Whether the search, if it is time for it, finds other files than before."""
        start = time.monotonic()
        if start < self.after:
            return False
        try:
            names = self.find()
        except OSError:
            names = ()
        self.after = time.monotonic() + DISCOVERY_SHARE * (time.monotonic() - start)
        before, self.names = self.names, names
        return names != before


def _wait(files: WatchedFiles, found: _Found) -> None:
    """Wait until a file changes, or another file is found, and then until the changes have ended."""
    while not files.has_changed() and not found.has_changed():
        time.sleep(INTERVAL)
    last, end = _now(files), time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(SETTLING)
        now = _now(files)
        if now == last and not files.lacks_one():
            return
        last = now


def _now(files: WatchedFiles) -> list[object]:
    return [_signature(path) for path in files.state]


def _signature(path: str) -> object:
    """A value that changes when a file, or a file in a directory, is written, replaced or removed."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not os.path.isdir(path):
        return status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode
    below = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    return tuple((one, os.lstat(one).st_mtime_ns if os.path.lexists(one) else 0) for one in sorted(below))


def _say(message: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {message}", file=sys.stderr, flush=True)
