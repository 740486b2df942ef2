"""An event that ends every wait of a fetch: of a thread, in poll(2), and for a connected server."""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO
from threading import Event, Lock
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    import socket


class StopEvent(Event):
    """Tells fetches to stop. Besides what an Event does, it can be waited for together with descriptors.

    `fileno` is a descriptor that becomes readable when the event is set. The connections given to `watch` are shut down
    then, so that a thread that reads one of them, or is in the middle of a TLS handshake, gets the end of the stream.
    """

    def __init__(self) -> None:
        super().__init__()
        self._channels: WeakSet[socket.socket] = WeakSet()
        self._file: FileIO | None = None
        self._changing = Lock()

    def set(self) -> None:
        """Tell all fetches to stop."""
        super().set()
        with self._changing:
            channels = list(self._channels)
            self._wake()
        for channel in channels:
            _shut_down(channel)

    def fileno(self) -> int:
        """A descriptor that is readable as soon as the event is set. Raises OSError."""
        with self._changing:
            if self._file is None:
                self._file = FileIO(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK), "r+")
                if self.is_set():
                    self._wake()
            return self._file.fileno()

    def _wake(self) -> None:
        if self._file is not None:
            os.eventfd_write(self._file.fileno(), 1)

    def watch(self, channel: socket.socket) -> None:
        """Shut down a connection when the event is set, at once if it is set already."""
        with self._changing:
            self._channels.add(channel)
        if self.is_set():
            _shut_down(channel)

    def wait_readable(self, channel: socket.socket, seconds: float) -> bool:
        """Wait until a socket can be read, but at most `seconds`, and not after this event. Returns if it can be."""
        import select

        poll = select.poll()
        poll.register(channel, select.POLLIN)
        poll.register(self.fileno(), select.POLLIN)
        return channel.fileno() in {descriptor for descriptor, _ in poll.poll(max(seconds, 0) * 1000)}


def _shut_down(channel: socket.socket) -> None:
    import socket

    with suppress(OSError):  # it is closed, or not connected any more
        socket.socket.shutdown(channel, socket.SHUT_RDWR)  # of a TLS connection too: without a closing message
