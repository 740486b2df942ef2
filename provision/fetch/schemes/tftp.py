"""TFTP (RFC 1350) with the options blksize and tsize (RFC 2347 to 2349), which netboot servers support.

Lost packets are requested again. Like http this waits for a network, and tries again until httpTotal is over. An error
that the server reports is final.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from provision.config.format import Resource
from provision.config.resources.urls import URL_HINT, redacted
from provision.failures import FetchFailed
from provision.fetch.http import connections, error_texts
from provision.fetch.http.client import Client, RetryableError
from provision.fetch.http.error_texts import Cause
from provision.fetch.retry import Deadline, WaitReporter, now
from provision.fetch.schemes.verified_writer import VerifiedWriter
from provision.fetch.stop_event import StopEvent

PORT = 69
BLOCK = 1428
"""Bytes of data in a packet: it fits an Ethernet frame together with IPv6, UDP and tunnel headers."""
PLAIN_BLOCK = 512
SMALLEST_BLOCK = 8

READ, DATA, ACKNOWLEDGE, ERROR, OPTIONS = 1, 3, 4, 5, 6
ANSWER_SECONDS = 1.0
SILENCE_SECONDS = 30.0
FIRST_SILENCE_SECONDS = 5.0
"""Seconds without an answer after which the next address of the host is tried."""

TURNS = 1 << 16
"""After block 65535 the numbers begin again at 0."""


class _Packet(NamedTuple):
    kind: int
    number: int
    rest: bytes


class _Refusal(Exception):
    """The server sent an ERROR packet (RFC 1350, 5)."""


def copy(client: Client, resource: Resource, writer: VerifiedWriter) -> None:
    """Fetch a file. Raises FetchFailed."""
    source = resource.source or ""
    host = urlsplit(source).hostname or ""

    def attempt(deadline: Deadline, wait: WaitReporter) -> None:
        _take(writer, _watched(client, source, _blocks(source, deadline, client.stop), wait), source)

    client.with_retries(source, host, "TFTP", attempt)


def _watched(client: Client, source: str, blocks: Iterator[bytes], wait: WaitReporter) -> Iterator[bytes]:
    size = 0
    for block in blocks:
        client.raise_if_stopped(source)
        size += len(block)
        wait.progress(size)
        yield block


def _take(writer: VerifiedWriter, blocks: Iterator[bytes], source: str) -> None:
    try:
        writer.take(blocks)
    except _Refusal as refusal:
        raise FetchFailed(
            redacted(source), str(refusal), hint="check the path, and that everyone may read the file"
        ) from None
    except OSError as error:
        raise RetryableError(error_texts.explain(error)) from error
    except UnicodeError as error:  # the resolver raises it if the host is not a valid name
        raise FetchFailed(redacted(source), "unable to parse url", hint=URL_HINT) from error


def _blocks(source: str, deadline: Deadline, stop: StopEvent) -> Iterator[bytes]:
    """The blocks of a file. The server answers from another port; packets from any third port are dropped."""
    parts = urlsplit(source)
    server = parts.hostname or "", parts.port or PORT
    with closing(_begun(*server, unquote(parts.path), deadline, stop)) as transfer:
        first = transfer.first
        size = _block_size(first)
        packet = transfer.ask(_acknowledge(0), (DATA,), 1) if first.kind == OPTIONS else first
        expected = 1
        while True:
            if len(packet.rest) > size:
                raise RetryableError(Cause("the server sends larger blocks than agreed"))
            yield packet.rest
            if len(packet.rest) < size:
                transfer.tell(_acknowledge(expected))
                return
            expected += 1
            packet = transfer.ask(_acknowledge(expected - 1), (DATA,), expected)


def _begun(host: str, port: int, path: str, deadline: Deadline, stop: StopEvent) -> _Transfer:
    """A transfer from the first address that answers. The addresses of the host are tried one after the other."""
    failure: OSError = TimeoutError("no answer in time")
    seconds = _at_most(SILENCE_SECONDS, deadline)
    for family, kind, protocol, _, address in connections.resolve_host(host, port, seconds, socket.SOCK_DGRAM, stop):
        transfer = _Transfer(socket.socket(family, kind, protocol), address, deadline, stop)
        try:
            transfer.begin(path)
        except OSError as error:
            failure = error
        else:
            return transfer
        finally:
            if not transfer.has_begun:
                transfer.close()
    raise failure


class _Transfer:
    """One transfer from one server. `first` is its first answer."""

    def __init__(self, channel: socket.socket, address: Any, deadline: Deadline, stop: StopEvent) -> None:
        self._channel = channel
        self._address = address
        self._peer: Any = None
        self._deadline = deadline
        self._stop = stop
        self.first = _Packet(ERROR, 0, b"")

    def begin(self, path: str) -> None:
        """Request the file, and wait for the first answer."""
        self.first = self.ask(_request(path), (DATA, OPTIONS), 1, FIRST_SILENCE_SECONDS)

    @property
    def has_begun(self) -> bool:
        """Whether the server has answered."""
        return self._peer is not None

    def close(self) -> None:
        """Close the socket."""
        self._channel.close()

    def tell(self, message: bytes) -> None:
        """Send without waiting for an answer."""
        self._channel.sendto(message, self._peer or self._address)

    def ask(self, message: bytes, kinds: tuple[int, ...], number: int, seconds: float = SILENCE_SECONDS) -> _Packet:
        """Send a message every second until its answer arrives, and return that."""
        ends = now() + _at_most(seconds, self._deadline)
        while now() < ends and not self._stop.is_set():
            self.tell(message)
            packet = self._answer(kinds, number % TURNS, min(ends, now() + ANSWER_SECONDS))
            if packet is not None:
                return packet
        raise TimeoutError("no answer in time")

    def _answer(self, kinds: tuple[int, ...], number: int, ends: float) -> _Packet | None:
        """The expected packet, or None if it does not arrive in time. Duplicates of earlier packets are skipped."""
        while now() < ends:
            if not self._stop.wait_readable(self._channel, ends - now()):
                return None
            try:
                raw, sender = self._channel.recvfrom(TURNS, socket.MSG_DONTWAIT)
            except BlockingIOError:  # a packet with a wrong checksum
                continue
            if len(raw) < 4 or self._peer not in {None, sender}:
                continue
            packet = _packet(raw)
            if packet.kind == ERROR:
                raise _Refusal(f"server says: {error_texts.printable(packet.rest) or f'error {packet.number}'}")
            if packet.kind in kinds and (packet.kind == OPTIONS or packet.number == number):
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
    return struct.pack("!HH", ACKNOWLEDGE, number % TURNS)


def _block_size(first: _Packet) -> int:
    """The block size that the server accepted; 512 if the server ignores options."""
    if first.kind != OPTIONS:
        return PLAIN_BLOCK
    words = first.rest.lower().split(b"\0")
    agreed = dict(zip(words[::2], words[1::2], strict=False)).get(b"blksize", b"512")
    size = int(agreed) if agreed.isdigit() else 0
    if not SMALLEST_BLOCK <= size <= BLOCK:
        raise RetryableError(Cause("the server answers with a block size that was not requested"))
    return size


def _at_most(seconds: float, deadline: Deadline) -> float:
    return min(seconds, deadline.left())
