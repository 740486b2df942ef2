"""Writing a result that may hold secrets."""

from __future__ import annotations

import os
import stat
import tempfile


def write(path: str, contents: bytes) -> None:
    """Replace a file in one step; a new one is for its owner only, an existing one keeps its mode.

    What is no regular file (a terminal, a pipe) is written to as it is. Raises OSError.
    """
    target = os.path.realpath(path)
    try:
        found = os.stat(target)
    except FileNotFoundError:
        found = None
    if found is not None and not stat.S_ISREG(found.st_mode):
        with open(target, "wb") as file:
            file.write(contents)
        return
    descriptor, temporary = tempfile.mkstemp(prefix=".transpile-", dir=os.path.dirname(target))
    try:
        with os.fdopen(descriptor, "wb") as file:
            if found is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
