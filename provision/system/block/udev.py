"""Waiting for the kernel's and udev's events on block devices, with pyudev.

pyudev looks for libudev with ldconfig or gcc, which an initramfs has not: `_context` loads it by name. That uses
private names of pyudev, so its version is pinned and a test makes one. It is loaded only when there is a wait.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from provision.system.block.devices import DeviceFailed

KERNEL = "kernel"
UDEV = "udev"

_LIBRARY = "libudev.so.1"


def running() -> bool:
    """Whether udevd is there to make links and answer events."""
    return os.path.exists("/run/udev/control")


class Events:
    """The events on block devices since this was made."""

    def __init__(self, source: str) -> None:
        try:
            import pyudev
        except ImportError as error:
            hint = "install python3-pyudev, or `pip install 'firstboot-provision[machine]'`"
            raise DeviceFailed(f"waiting for devices needs the Python module pyudev: {hint}") from error

        self._monitor = pyudev.Monitor.from_netlink(_context(), source)
        self._monitor.filter_by("block")
        self._monitor.start()

    def until(self, wanted: Callable[[Any], bool], seconds: float) -> bool:
        """Take events until one is wanted; False if none came in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            event = self._monitor.poll(left)
            if event is not None and wanted(event):
                return True
        return False


@contextmanager
def settled_after(paths: Sequence[str], seconds: float) -> Iterator[None]:
    """Do something; then wait until udevd has worked through all that came of it for these devices (below /sys).

    The list may be filled on the way.
    """
    yield
    settle(paths, seconds)


def settle(paths: Sequence[str], seconds: float) -> None:
    """Wait until udevd has worked through all that has come for these devices (below /sys) so far.

    As `udevadm trigger --settle` does: events of our own, known by their UUIDs, come out behind those before them.
    """
    if not running():
        return
    from uuid import uuid4

    events = Events(UDEV)
    missing = set()
    for path in paths:
        uuid = str(uuid4())
        try:
            with open(f"{path}/uevent", "w", encoding="ascii") as file:
                file.write(f"change {uuid}")
        except FileNotFoundError:
            continue  # it went in the meantime
        missing.add(uuid)

    def echoed(event: Any) -> bool:
        missing.discard(event.properties.get("SYNTH_UUID", ""))
        return not missing

    if missing:
        events.until(echoed, seconds)


@cache
def _context() -> Any:
    import ctypes

    import pyudev
    from pyudev._ctypeslib.libudev import ERROR_CHECKERS, SIGNATURES

    library = ctypes.CDLL(_LIBRARY, use_errno=True)
    for name, (arguments, result) in SIGNATURES.items():
        function = getattr(library, name, None)
        if function is not None:
            function.argtypes, function.restype = arguments, result
            if ERROR_CHECKERS.get(name):
                function.errcheck = ERROR_CHECKERS[name]

    class Context(pyudev.Context):  # type: ignore[misc] # pyudev has no types
        def __init__(self) -> None:
            self._libudev = library
            self._as_parameter_ = library.udev_new()

    return Context()
