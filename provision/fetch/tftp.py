"""TFTP (RFC 1350) with the options blksize, timeout and tsize (RFC 2347 to 2349): enough for what netboot servers do.

Lost packets are asked for again; the whole transfer is bounded by httpTotal, and like http it waits for a network.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from provision.config.format import Resource
from provision.config.urls import redacted
from provision.failures import FetchFailed
from provision.fetch import causes
from provision.fetch.client import Client
from provision.fetch.intake import Intake
from provision.fetch.patience import Deadline, now

PORT = 69
BLOCK = 1428
"""Bytes of data in a packet: what fits an Ethernet frame with IPv6 and UDP headers and room for a tunnel."""
PLAIN_BLOCK = 512

READ, DATA, ACKNOWLEDGE, ERROR, OPTIONS = 1, 3, 4, 5, 6
ANSWER_SECONDS = 1.0
SILENCE_SECONDS = 30.0


class _Packet(NamedTuple):
    kind: int
    number: int
    rest: bytes


def copy(client: Client, resource: Resource, intake: Intake) -> None:
    """Fetch a file. Raises FetchFailed."""
    source = resource.source or ""
    parts = urlsplit(source)
    deadline = Deadline(client.settings.http_total)
    with client.vigil(source, deadline) as vigil:
        client.await_route(parts.hostname or "", source, deadline, vigil)
        try:
            intake.take(_blocks(parts.hostname or "", parts.port or PORT, unquote(parts.path), deadline))
        except OSError as error:
            cause = causes.explain(error)
            raise FetchFailed(redacted(source), cause.text, hint=cause.remedy) from error


def _blocks(host: str, port: int, path: str, deadline: Deadline) -> Iterator[bytes]:
    """The blocks of a file. The server answers from a port of its own, which is then the only one listened to."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with closing(socket.socket(family, kind, protocol)) as channel:
        channel.settimeout(ANSWER_SECONDS)
        transfer = _Transfer(channel, address, deadline)
        first = transfer.ask(_request(path), (DATA, OPTIONS))
        size = _block_size(first)
        packet = transfer.ask(_acknowledge(0), (DATA,), 1) if first.kind == OPTIONS else first
        expected = 1
        while True:
            yield packet.rest
            if len(packet.rest) < size:
                transfer.tell(_acknowledge(expected))
                return
            expected += 1
            packet = transfer.ask(_acknowledge(expected - 1), (DATA,), expected)


class _Transfer:
    """One conversation with one server."""

    def __init__(self, channel: socket.socket, address: Any, deadline: Deadline) -> None:
        self._channel = channel
        self._address = address
        self._peer: Any = None
        self._deadline = deadline

    def tell(self, message: bytes) -> None:
        """Send without waiting for an answer."""
        self._channel.sendto(message, self._peer or self._address)

    def ask(self, message: bytes, kinds: tuple[int, ...], number: int = 1) -> _Packet:
        """Send, and again every second, until the packet that answers comes."""
        ends = now() + min(SILENCE_SECONDS, self._deadline.left())
        while now() < ends:
            self.tell(message)
            packet = self._answer(kinds, number & 0xFFFF)
            if packet is not None:
                return packet
        raise TimeoutError("no answer in time")

    def _answer(self, kinds: tuple[int, ...], number: int) -> _Packet | None:
        """The packet waited for, or None after a second without it. Duplicates of earlier ones are passed over."""
        ends = now() + ANSWER_SECONDS
        while now() < ends:
            try:
                raw, sender = self._channel.recvfrom(65536)
            except TimeoutError:
                return None
            if (self._peer is not None and sender != self._peer) or len(raw) < 4:
                continue
            packet = _packet(raw)
            if packet.kind == ERROR:
                raise ConnectionAbortedError(packet.number, f"server says: {causes.printable(packet.rest)}")
            if packet.kind == OPTIONS in kinds or (packet.kind in kinds and packet.number == number):
                self._peer = sender
                return packet
        return None


def _packet(raw: bytes) -> _Packet:
    (kind,) = struct.unpack_from("!H", raw)
    if kind == OPTIONS:
        return _Packet(kind, 0, raw[2:])
    return _Packet(kind, struct.unpack_from("!H", raw, 2)[0], raw[4:])


def _request(path: str) -> bytes:
    options = b"".join(word.encode() + b"\0" for word in (path, "octet", "blksize", str(BLOCK), "tsize", "0"))
    return struct.pack("!H", READ) + options


def _acknowledge(number: int) -> bytes:
    return struct.pack("!HH", ACKNOWLEDGE, number & 0xFFFF)


def _block_size(first: _Packet) -> int:
    """The size that the server agreed to; one that ignores options sends blocks of 512."""
    if first.kind != OPTIONS:
        return PLAIN_BLOCK
    words = first.rest.lower().split(b"\0")
    agreed = dict(zip(words[::2], words[1::2], strict=False))
    return int(agreed.get(b"blksize", b"512"))
