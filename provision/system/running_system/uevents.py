"""The kernel's events about devices (kobject_uevent over netlink)."""

from __future__ import annotations

import os
from contextlib import suppress

# linux/netlink.h; group 1 is the kernel's events, 2 those that udev has finished with
NETLINK_KOBJECT_UEVENT = 15

UEVENT_GROUPS = 1 | 2


class DeviceEvents:
    """The kernel's events about devices, heard from the first time that somebody looks for one."""

    def __init__(self) -> None:
        self._fd = -1

    def listen(self) -> None:
        """Begin to listen, so that nothing which comes after a look is missed."""
        if self._fd < 0:
            import socket

            with suppress(OSError):  # without netlink, looking every now and then has to do
                channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT)
                channel.bind((0, UEVENT_GROUPS))
                channel.setblocking(False)  # noqa: FBT003 - several threads wait, and one of them gets the event
                self._fd = channel.detach()

    def wait(self, seconds: float) -> None:
        """Until an event, or for so many seconds."""
        import select

        events = select.poll()  # select(2) takes no descriptor beyond 1023
        if self._fd >= 0:
            events.register(self._fd, select.POLLIN)
        if events.poll(1000 * seconds):
            with suppress(OSError):  # ENOBUFS: events were dropped, which is an event too
                os.read(self._fd, 1 << 16)
