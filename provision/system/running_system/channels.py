"""Channels to the hypervisor: device nodes, vsock, and a folder for the files of its tools."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

Control = Callable[[int, bytearray], object]


class MessageDevice:
    """A device node, or another file with a descriptor, for which each read and write is one whole message."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, message: bytes) -> None:
        """Write one message. Raises OSError."""
        os.write(self._descriptor, message)

    def receive(self, size: int, seconds: float) -> bytes | None:
        """The first `size` bytes of the next message; None if none arrives within `seconds`. Raises OSError."""
        import select

        events = select.poll()
        events.register(self._descriptor, select.POLLIN)
        return os.read(self._descriptor, size) if events.poll(1000 * seconds) else None


@contextmanager
def message_device(node: str) -> Iterator[MessageDevice]:
    """A device node, open for messages in both directions. Raises OSError."""
    with _opened(node) as descriptor:
        yield MessageDevice(descriptor)


@contextmanager
def control_device(node: str) -> Iterator[Control]:
    """A function for ioctl(2) on a device node: takes a request number and a message, which the answer overwrites.

    Raises OSError.
    """
    from fcntl import ioctl

    with _opened(node) as descriptor:
        yield partial(ioctl, descriptor)


@contextmanager
def _opened(node: str) -> Iterator[int]:
    descriptor = os.open(node, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def vsock(cid: int, port: int, seconds: float | None, own_ports: Iterable[int]) -> socket.socket:
    """A connection to a port of the hypervisor, from the first of our own ports that is free (any, if none is named).

    `seconds` is the limit for the connection, and then the timeout of the socket (None: no limit). Raises OSError.
    """
    import socket

    for own_port in own_ports or (socket.VMADDR_PORT_ANY,):
        channel = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        channel.settimeout(seconds)
        try:
            if own_port != socket.VMADDR_PORT_ANY:
                channel.bind((socket.VMADDR_CID_ANY, own_port))
            channel.connect((cid, port))
        except OSError as error:
            channel.close()
            # the host needs some time to release a port that was just used
            if not own_ports or error.errno not in {errno.EADDRINUSE, errno.ECONNRESET}:
                raise
        else:
            return channel
    raise OSError(errno.EADDRINUSE, "no privileged vsock port is free")


@contextmanager
def private_folder(parent: str) -> Iterator[str]:
    """A new folder (0700) for the block; at the end it is removed, with the files in it."""
    folder = f"{parent}/provision-{os.urandom(8).hex()}"
    os.mkdir(folder, 0o700)
    try:
        yield folder
    finally:
        with suppress(FileNotFoundError):
            for name in os.listdir(folder):
                os.unlink(f"{folder}/{name}")
        os.rmdir(folder)
