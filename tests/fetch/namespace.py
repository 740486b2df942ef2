"""Network namespaces: a thread that has a network of its own, so that metadata services stand at their real addresses.

Threads and children that the thread starts are in the namespace too; when they have ended it vanishes.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")

CLONE_NEWNET = 0x40000000

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="making a network namespace needs root")


def in_namespace(body: Callable[[], T], *addresses: str) -> T:
    """Run a function in a new network namespace whose loopback is up and has these addresses."""
    results: list[T] = []
    errors: list[BaseException] = []

    def thread() -> None:
        try:
            enter(*addresses)
            results.append(body())
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    worker = threading.Thread(target=thread)
    worker.start()
    worker.join()
    if errors:
        raise errors[0]
    return results[0]


def enter(*addresses: str) -> None:
    """Put the calling thread into a new network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    ip("link", "set", "lo", "up")
    for address in addresses:
        ip("address", "add", address, "dev", "lo", *(("nodad",) if ":" in address else ()))


def ip(*arguments: str) -> None:
    """Run ip(8) in the calling thread's namespace."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
