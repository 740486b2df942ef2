"""Start programs without a shell. Their output is kept in memory, and only its end is shown.

Children are started by `posix_spawnp`: it takes a third of the time of `subprocess`, whose import alone takes 8 ms.
Input and output are files in memory (memfd_create(2)), so neither side waits for the other.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from provision.system.programs.program_watch import DEFAULT, ProgramWatch, WatchSettings

if TYPE_CHECKING:
    import io

    from provision.system.programs.confinement import Confinement

USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are searched if PATH is not set, and in a root (root_programs)."""

_SHOWN_LINES = 12
_READ_AT_MOST = 1 << 20
_CHUNK = 1 << 16


class Finished(NamedTuple):
    """How a program ended: its exit status (negative for a signal) and what it wrote, standard error included."""

    status: int
    output: str

    @property
    def last_lines(self) -> str:
        """The end of the output, for an error message."""
        return "\n".join(self.lines[-_SHOWN_LINES:])

    @property
    def lines(self) -> list[str]:
        """The output as a terminal would show it in the end, without progress, colours and empty lines."""
        return [shown for shown in map(_shown, self.output.split("\n")) if shown]


def find(tool: str) -> str | None:
    """The path of a program, searched on PATH unless it is absolute; None if it is not there."""
    folders = [""] if tool.startswith("/") else _path().split(":")
    candidates = (f"{folder}/{tool}" if folder else tool for folder in folders)
    return next((path for path in candidates if _can_start(path)), None)


def _can_start(path: str) -> bool:
    return os.access(path, os.X_OK) and not os.path.isdir(path)


def run(
    argv: Sequence[str],
    *,
    stdin: int | None = None,
    keep: Iterable[int] = (),
    confinement: Confinement | None = None,
    watch: WatchSettings = DEFAULT,
) -> Finished:
    """Start a program and wait for it; `watch` says when to report that it still runs, and when to stop it.

    `stdin` is a descriptor to read from (else /dev/null); the child inherits the descriptors `keep` by their numbers.
    Raises FileNotFoundError for a program that is not there, Failure if it cannot be confined, and ProgramHangs.
    """
    program = confinement.program if confinement and confinement.programs else find(argv[0])
    if program is None:
        raise FileNotFoundError(argv[0])
    with _memory() as output:
        streams = (stdin, output, output)
        first = None
        if confinement is None:
            pid = _spawn(program, argv, streams, keep)
        else:
            pid, first = confinement.spawn(program, lambda more: _spawn(program, argv, streams, (*keep, *more)))
        try:
            status = _wait(pid, ProgramWatch(pid, argv, watch), watch.look)
        finally:
            if first is not None:
                first.end()
        return Finished(status, _tail(output))


def output_of(argv: Sequence[str], data: bytes, limit: int) -> bytes | None:
    """The standard output of a program that gets `data` as input; None if the program fails.

    A program that writes more than `limit` bytes is stopped. Raises ValueError for it, and FileNotFoundError as `run`.
    """
    program = find(argv[0])
    if program is None:
        raise FileNotFoundError(argv[0])
    with _memory(data) as given, _memory() as errors:
        reading, writing = os.pipe2(os.O_CLOEXEC)
        pid = _spawn(program, argv, (given, writing, errors), ())
        os.close(writing)
        watch = ProgramWatch(pid, argv, DEFAULT)
        with open(reading, "rb", buffering=0) as pipe:
            whole = _output(pipe, limit + 1, watch, DEFAULT.look)
        status = _wait(pid, watch, DEFAULT.look)
    if len(whole) > limit:
        raise ValueError(f"{argv[0]}: more than {limit} bytes")
    return whole if status == 0 else None


@contextmanager
def _memory(data: bytes = b"") -> Iterator[int]:
    fd = memory_file(data)
    try:
        yield fd
    finally:
        os.close(fd)


def memory_file(data: bytes) -> int:
    """A descriptor of a nameless file in memory with these bytes, at its beginning. The caller closes it."""
    fd = os.memfd_create("input", os.MFD_CLOEXEC)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _shown(line: str) -> str:
    line = line.rstrip()
    if line.isprintable():
        return line
    first, *coloured = line.split("\x1b[")
    cells: list[str] = []
    place = 0
    for character in first + "".join(part.lstrip("0123456789;?")[1:] for part in coloured):
        if character in "\b\r":
            place = max(place - 1, 0) if character == "\b" else 0
        elif character.isprintable() or character == "\t":
            cells[place : place + 1] = character
            place += 1
    return "".join(cells).rstrip()


def _spawn(program: str, argv: Sequence[str], streams: tuple[int | None, int, int], keep: Iterable[int]) -> int:
    stdin, output, errors = streams
    files: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0) if stdin is None else (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, errors, 2),
        # duplicating a descriptor onto itself makes it inheritable (POSIX, posix_spawn_file_actions_adddup2)
        *((os.POSIX_SPAWN_DUP2, fd, fd) for fd in keep),
    ]
    environment = {**os.environ, "LC_ALL": "C", "PATH": _path()}
    # Python ignores SIGPIPE, and an ignored signal would stay ignored in the child. An interrupt from the keyboard goes
    # to all programs of the terminal: this process ends the child then, unless that is part of the clean-up
    return os.posix_spawn(
        program,
        list(argv),
        environment,
        file_actions=files,
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        setsigmask=[signal.SIGINT],
    )


def _wait(pid: int, watch: ProgramWatch, seconds: float) -> int:
    """The exit status of a child. An exception also stops the child, because its devices are released after that."""
    try:
        while not _ended(pid, seconds):
            watch.look()
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except BaseException:
        watch.stop()
        raise


def _ended(pid: int, seconds: float) -> bool:
    """Whether a child ends within `seconds`. Before Linux 5.3, which has no pidfd, it waits until the child ends."""
    import select

    try:
        child = os.pidfd_open(pid)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return True
    try:
        poll = select.poll()
        poll.register(child, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(child)


def _output(pipe: io.FileIO, limit: int, watch: ProgramWatch, seconds: float) -> bytes:
    """At most `limit` bytes of what a child writes into a pipe."""
    import select

    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    whole = bytearray()
    try:
        while len(whole) < limit:
            if not poll.poll(seconds * 1000):
                watch.look()
                continue
            chunk = pipe.read(min(limit - len(whole), _CHUNK))
            if not chunk:
                break
            whole += chunk
    except BaseException:
        watch.stop()
        raise
    return bytes(whole)


def _tail(fd: int) -> str:
    size = os.fstat(fd).st_size
    return os.pread(fd, _READ_AT_MOST, max(0, size - _READ_AT_MOST)).decode(errors="replace")


def _path() -> str:
    return os.environ.get("PATH") or USUAL_PATH
