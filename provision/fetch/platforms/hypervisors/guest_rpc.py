"""VMware's guest RPC over the kernel's vsock: the commands of vmware-rpctool, one at a time.

Source: open-vm-tools, lib/rpcChannel (vsockChannel.c, simpleSocket.c), lib/dataMap and vmware/guestrpc/tclodefs.h. A
packet is its length and then fields; a field is its type, its number and its value; an integer has its low word first.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from provision.fetch.running_system import RunningSystem

if TYPE_CHECKING:
    import socket

HYPERVISOR, PORT = 0, 976
OWN_PORTS = range(1023, 1007, -1)
"""Local ports to connect from: the host answers only privileged ports."""

SECONDS = 10.0

INTEGER, TEXT = 1, 2
TYPE, PAYLOAD = 1, 2
DATA = 1
PACKET_LIMIT = 128 << 20
"""The most bytes of a packet."""


def connect(running_system: RunningSystem) -> socket.socket:
    """A connection to the host. Raises OSError."""
    return running_system.vsock(HYPERVISOR, PORT, SECONDS, OWN_PORTS)


def ask(channel: socket.socket, command: bytes) -> bytes | None:
    """The host's answer to a command, None if the host refuses it. Raises OSError, also if the answer is malformed."""
    channel.sendall(packed(command))
    answer = unpacked(_received(channel))
    if answer[:2] not in {b"0 ", b"1 "}:
        raise OSError(errno.EPROTO, "the host's answer is malformed")
    return answer[2:] if answer[:1] == b"1" else None


def packed(payload: bytes) -> bytes:
    """The bytes of a packet with this payload."""
    fields = struct.pack("!IIII", INTEGER, TYPE, DATA, 0) + struct.pack("!III", TEXT, PAYLOAD, len(payload)) + payload
    return struct.pack("!I", len(fields)) + fields


def unpacked(fields: bytes) -> bytes:
    """The payload among the fields of a packet. Raises OSError if there is none."""
    try:
        return dict(_fields(fields))[PAYLOAD]
    except (KeyError, struct.error) as error:
        raise OSError(errno.EPROTO, "the host's packet is malformed") from error


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        kind, number, size = struct.unpack_from("!III", data)
        if kind == INTEGER:
            size, start = 8, 8
        elif kind == TEXT:
            start = 12
        else:
            raise KeyError(kind)
        if start + size > len(data):
            raise KeyError(number)
        yield number, data[start : start + size]
        data = data[start + size :]


def _received(channel: socket.socket) -> bytes:
    (size,) = struct.unpack("!I", _exactly(channel, 4))
    if size > PACKET_LIMIT:
        raise OSError(errno.EMSGSIZE, "the host's packet is too large")
    return _exactly(channel, size)


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = channel.recv(min(size - len(data), 1 << 16))
        if not part:
            raise OSError(errno.ECONNRESET, "the host closed the connection")
        data += part
    return bytes(data)
