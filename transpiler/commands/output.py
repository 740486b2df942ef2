"""Write output files, which may contain secrets."""

from __future__ import annotations

import errno
import os
import stat
import tempfile

from provision.config.reports.findings import escaped
from provision.config.reports.streams import reason_of

_DESCRIPTOR_PATHS = ("/dev/fd/", "/dev/std", "/proc/")

_WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE}


class OutputFailed(Exception):
    """An output file cannot be written. The message has its name and the reason, in Butane's form."""


def write_output(path: str, text: str) -> None:
    """Write a file, and replace an old one atomically. A new file has mode 0600; an existing file keeps its mode.

    A file that is not regular (a terminal, a pipe), or that is named by its descriptor, is written directly. Raises
    OutputFailed.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: str, contents: bytes) -> None:
    """Write a file as `write_output` does. Raises OutputFailed."""
    try:
        _write(path, contents)
    except OSError as error:
        verb = "write" if error.errno in _WRITE_ERRORS else "open"
        shown = escaped(path)
        raise OutputFailed(f"failed to {verb} {shown}: {verb} {shown}: {reason_of(error)}") from None


def _write(path: str, contents: bytes) -> None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        found = None
    if found is not None and (path.startswith(_DESCRIPTOR_PATHS) or not stat.S_ISREG(found.st_mode)):
        with open(path, "wb") as file:
            file.write(contents)
        return
    target = os.path.realpath(path)
    descriptor, temporary = tempfile.mkstemp(prefix=".transpile-", dir=os.path.dirname(target))
    try:
        with os.fdopen(descriptor, "wb") as file:
            if found is not None:
                os.chmod(temporary, stat.S_IMODE(found.st_mode))
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
