"""The standard streams of a program: closed, full, or of an encoding that cannot hold every character.

A program finishes its work even if nobody reads its output. A failed write to standard output is remembered, and
reported when the program ends; a failed write to standard error is ignored. A standard stream that is closed at the
start is opened so that it refuses all use (as gnulib's `stdopen` does). Otherwise a file that the program opens could
get the number of a standard stream, and receive what is printed.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class GuardedWriter(io.FileIO):
    """A descriptor that writes all data. `failure` is the first error of a write; data after it is dropped."""

    failure: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of `data`, waiting where the descriptor does not; returns its length, also when the write fails."""
        rest = memoryview(data).cast("B")
        length = len(rest)
        try:
            while rest and self.failure is None:
                written = super().write(rest)
                if written is None:
                    _wait_for(self.fileno())
                else:
                    rest = rest[written:]
        except OSError as error:
            self.failure = error
        return length


def _wait_for(descriptor: int) -> None:
    import select

    select.select([], [descriptor], [])


def run_program(name: str, body: Callable[[], int], *, results_on_stdout: bool = True) -> NoReturn:
    """Run `body` on guarded streams and end the process with the exit status that it returns.

    The status is 1 in place of 0 if standard output, which holds the result, could not take all of it. One line on
    standard error says why; there is no line if the reader of a pipe has closed it, because that reader needs no more.
    """
    _restart_in_utf8()
    output = guard_streams()
    try:
        code = body()
    except SystemExit as end:  # argparse raises it to end the program
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    _flush(sys.stdout)
    if results_on_stdout and output.failure is not None:
        code = code or 1
        if output.failure.errno != errno.EPIPE:
            print(f"{name}: cannot write standard output: {reason_of(output.failure)}", file=sys.stderr)
    _flush(sys.stderr)
    os._exit(code)


def _restart_in_utf8() -> None:
    """Start the program again in Python's UTF-8 mode (PEP 540) if the locale has another encoding of file names.

    Paths in configs are UTF-8, and so are the names of the files that a machine gets.
    """
    if sys.getfilesystemencoding() != "utf-8" and sys.executable:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - it is this program


def forget_lost_output() -> None:
    """Let the exit status say that a change was made, though standard output may not have taken all that was said."""
    _flush(sys.stdout)
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, GuardedWriter):
        raw.failure = None


def reason_of(error: OSError) -> str:
    """What the system says about an error, in lower case: `no space left on device`."""
    return (error.strerror or str(error)).lower()


def guard_streams() -> GuardedWriter:
    """Replace the standard streams by guarded ones; returns the descriptor of standard output."""
    _hold(0, os.O_WRONLY)
    _hold(1, os.O_RDONLY)
    _hold(2, os.O_WRONLY)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open until the process ends
    output, messages = GuardedWriter(1, "wb", closefd=False), GuardedWriter(2, "wb", closefd=False)
    sys.stdout = _text(output, sys.stdout, by_line=False)
    sys.stderr = _text(messages, sys.stderr, by_line=True)
    return output


def _hold(descriptor: int, mode: int) -> None:
    """Open the null device in place of a standard stream that is closed."""
    try:
        os.fstat(descriptor)
    except OSError:
        opened = os.open(os.devnull, mode)
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - the order of the library's arguments


def _text(raw: GuardedWriter, replaced: object, *, by_line: bool) -> io.TextIOWrapper:
    """A text stream that buffers as the replaced one did, and escapes characters that its encoding lacks."""
    encoding, unbuffered = "utf-8", False
    if isinstance(replaced, io.TextIOWrapper):
        encoding, unbuffered = replaced.encoding, replaced.write_through
        by_line = by_line or replaced.line_buffering
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=by_line or unbuffered)


def _flush(stream: io.TextIOBase | object) -> None:
    """Write what is buffered; streams that a program replaced itself are left to it."""
    if isinstance(stream, io.TextIOWrapper):
        stream.flush()
