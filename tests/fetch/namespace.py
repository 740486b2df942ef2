"""Network namespaces: a thread that has a network of its own, so that metadata services stand at their real addresses.

Threads and children that the thread starts are in the namespace, too; it disappears when they have ended.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")

CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x00020000

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="making a network namespace needs root")


def in_namespace(body: Callable[[], T], *addresses: str, hosts: str = "", resolver: str = "") -> T:
    """Run a function in a new network namespace whose loopback is up and has these addresses.

    `hosts` is the text of /etc/hosts in it, `resolver` the address of its name server.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def thread() -> None:
        try:
            enter(*addresses)
            if hosts or resolver:
                _unshare(CLONE_NEWNS)
                _own_file("/etc/hosts", hosts)
                _own_file("/etc/resolv.conf", f"nameserver {resolver}\n" if resolver else "")
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
    _unshare(CLONE_NEWNET)
    ip("link", "set", "lo", "up")
    for address in addresses:
        ip("address", "add", address, "dev", "lo", *(("nodad",) if ":" in address else ()))


def _own_file(path: str, text: str) -> None:
    """Mount a file over another one, for the calling thread only, which has its own mounts."""
    # not possible in a chroot
    subprocess.run(["mount", "--make-rprivate", "/"], check=False, stderr=subprocess.DEVNULL)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        subprocess.run(["mount", "--bind", file.name, path], check=True)


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def ip(*arguments: str) -> None:
    """Run ip(8) in the calling thread's namespace."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
