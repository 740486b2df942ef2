"""Wait for events of the kernel and of udev about block devices, with pyudev.

pyudev looks for libudev with ldconfig or gcc, which an initramfs does not have, so `_context` loads it by name. That
uses private names of pyudev: its version is pinned, and a test covers it. pyudev is loaded when the engine has to wait.
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
    """Whether udevd runs, which makes links and sends events."""
    return os.path.exists("/run/udev/control")


class BlockEvents:
    """The events about block devices since this object was made. `source` is `udev` or `kernel`."""

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
        """Read events until `wanted` accepts one; returns False if none came within `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            event = self._monitor.poll(left)
            if event is not None and wanted(event):
                return True
        return False


@contextmanager
def settled_after(paths: Sequence[str], seconds: float) -> Iterator[None]:
    """Run the block, then wait until udevd has processed its events for these devices (directories below /sys).

    It waits at most `seconds`. The block may add to the list.
    """
    yield
    settle(paths, seconds)


def settle(paths: Sequence[str], seconds: float) -> None:
    """Wait until udevd has processed all events so far for these devices (directories below /sys).

    It waits at most `seconds`. It triggers events with UUIDs of its own, as `udevadm trigger --settle` does. When udevd
    has processed these, it has processed all earlier ones.
    """
    if not running():
        return
    from uuid import uuid4

    events = BlockEvents(UDEV)
    missing = set()
    for path in paths:
        uuid = str(uuid4())
        try:
            with open(f"{path}/uevent", "w", encoding="ascii") as file:
                file.write(f"change {uuid}")
        except FileNotFoundError:
            continue  # it was removed in the meantime
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
