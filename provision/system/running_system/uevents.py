"""The kernel's events about devices (kobject_uevent over netlink)."""

from __future__ import annotations

import os
from contextlib import suppress

# linux/netlink.h; group 1 has the events of the kernel, group 2 those that udev has processed
NETLINK_KOBJECT_UEVENT = 15

UEVENT_GROUPS = 1 | 2


class DeviceEvents:
    """The kernel's events about devices, from the first call of `listen` on."""

    def __init__(self) -> None:
        self._fd = -1

    def listen(self) -> None:
        """Begin to listen. Call it before looking for a device, so that no later event is missed."""
        if self._fd < 0:
            import socket

            with suppress(OSError):  # without netlink, callers look again after some time
                channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT)
                channel.bind((0, UEVENT_GROUPS))
                channel.setblocking(False)  # noqa: FBT003 - several threads wait, and one of them gets the event
                self._fd = channel.detach()

    def wait(self, seconds: float) -> None:
        """Wait for an event, at most `seconds`."""
        import select

        events = select.poll()  # select(2) takes no descriptor beyond 1023
        if self._fd >= 0:
            events.register(self._fd, select.POLLIN)
        if events.poll(1000 * seconds):
            with suppress(OSError):  # ENOBUFS: events were dropped, so there was one
                os.read(self._fd, 1 << 16)
