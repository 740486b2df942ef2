"""The engine's own files in /run: replaced in one step, and never readable by other users."""

from __future__ import annotations

import os
from contextlib import suppress

from provision.failures import Failure


def read_private(path: str) -> bytes | None:
    """The bytes of a file of ours; None if there is none. Raises Failure if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None


def write_private(path: str, data: bytes) -> None:
    """Replace a file of ours in one step: it is made with mode 0600, and a missing directory with mode 0700.

    Raises Failure; then the old file stays, and no other file.
    """
    directory = os.path.dirname(path) or "."
    temporary = f"{path}.new"  # a fixed name: the next run replaces what a killed run left
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
        _remove(temporary)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(descriptor, "wb") as file:
                file.write(data)
            os.rename(temporary, path)
        except BaseException:
            _remove(temporary)
            raise
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", hint="check whether the file system is full or read-only") from None


def erase_private(path: str) -> None:
    """Overwrite a file of ours with zeros and remove it; nothing happens if there is none. Raises Failure."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "wb") as file:
            file.write(bytes(os.fstat(descriptor).st_size))
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", hint="it may hold a secret: remove it") from None


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
