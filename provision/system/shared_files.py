"""Files of this machine that other programs read: replaced in one step."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from provision.failures import Failure

KEYS_FOLDER = ".ssh/authorized_keys.d"
KEYS_FILE = "afterburn"
"""The file of a user's keys that come from the platform. OpenSSH of Fedora CoreOS and Flatcar reads it."""


def write_shared(path: str, text: str, mode: int = 0o666) -> None:
    """Replace a file, and make its directory if there is none. The umask limits the mode. Raises Failure.

    What is no regular file, and what is in /dev, as /dev/stdout, is written to and not replaced.
    """
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if os.path.dirname(os.path.abspath(path)) == "/dev" or (os.path.exists(path) and not os.path.isfile(path)):
            with open(os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC), "wb") as file:
                file.write(text.encode())
        else:
            _replace(path, text.encode(), mode)
    except FileExistsError as error:
        raise Failure(f"{path}: {error.filename} is not a directory") from None
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", hint="check whether the file system is full or read-only") from None


def write_keys(user: str, keys: Sequence[str]) -> tuple[str, bool]:
    """Replace the keys that the platform gives a user, or remove the file if there are none.

    It is done with the rights of the user, who owns the directories and may have put links there. Returns the path of
    the file, and whether it was changed. Raises Failure for an unknown user, or if the file cannot be written.
    """
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise Failure(f"there is no user {user!r}", hint="the user must exist before its keys are written") from None
    folder = os.path.join(account.pw_dir, KEYS_FOLDER)
    path = os.path.join(folder, KEYS_FILE)
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _child(account, folder, path, "".join(f"{key}\n" for key in keys).encode(), writing)
    os.close(writing)
    with open(reading, "rb") as answer:
        text = answer.read().decode()
    os.waitpid(pid, 0)
    if text not in {"changed", "unchanged"}:
        raise Failure(f"{path}: {text or 'the process that writes it was killed'}")
    return path, text == "changed"


def _child(account: pwd.struct_passwd, folder: str, path: str, data: bytes, answer: int) -> NoReturn:
    """Become the user, write the file, and send what happened."""
    text = ""
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
        os.umask(0o077)
        text = "changed" if _written(folder, path, data) else "unchanged"
    except OSError as error:
        text = error.strerror or "cannot be written"
    finally:
        os.write(answer, text.encode())
        os._exit(0)


def _written(folder: str, path: str, data: bytes) -> bool:
    if not data:
        with suppress(FileNotFoundError):
            os.unlink(path)
            return True
        return False
    os.makedirs(folder, 0o700, exist_ok=True)
    _replace(path, data, 0o600)
    return True


def _replace(path: str, data: bytes, mode: int) -> None:
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.new")
    with suppress(FileNotFoundError):
        os.unlink(temporary)
    try:
        with open(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode), "wb"
        ) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    directory = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
