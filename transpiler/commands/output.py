"""Writing a result that may hold secrets."""

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
    """An output file cannot be written; the message says which and why, in Butane's form."""


def write(path: str, text: str) -> None:
    """Replace a file in one step; a new one is for its owner only, an existing one keeps its mode.

    What is no regular file (a terminal, a pipe), or is named by its descriptor, is written to as it is. Raises
    OutputFailed.
    """
    try:
        _write(path, text.encode("utf-8", "backslashreplace"))
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
