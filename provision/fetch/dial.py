"""Connections: to whichever address of a host answers first, and only to addresses that may be asked."""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import chain, zip_longest
from typing import Any

from provision.fetch.patience import now

Dial = Callable[[str, int, float | None], socket.socket]
"""Connects to a host and port within so many seconds (None: for ever). Raises OSError."""

STAGGER = 0.25
"""Seconds after which the next address is tried beside the ones that have not answered (RFC 8305)."""

DIAL_TIMEOUT = 30.0
PRIVILEGED = range(1, 1024)
VSOCK_HOST, VSOCK_PORT = 2, 1024


REFUSAL = "is a loopback, link-local or metadata address, which a redirect may not lead to"


class RefusedError(OSError):
    """The trust rules forbid to connect to this address."""


def connect(host: str, port: int, timeout: float | None) -> socket.socket:
    """Connect to any address of a host."""
    return _race(host, _resolve(host, port), timeout, _open)


def connect_guarded(host: str, port: int, timeout: float | None) -> socket.socket:
    """Connect to a host that somebody elsewhere named: never to loopback or link-local addresses.

    A redirect must not make a machine ask its own metadata service, whatever name the address hides behind.
    """
    addresses = [one for one in _resolve(host, port) if not is_inward(one[4][0])]
    if not addresses:
        raise RefusedError(errno.EACCES, REFUSAL)
    return _race(host, addresses, timeout, _open)


def connect_from_privileged_port(host: str, port: int, timeout: float | None) -> socket.socket:
    """Connect from a local port below 1024, as Scaleway's metadata service asks of root."""
    return _race(host, _resolve(host, port), timeout, _open_privileged)


def connect_vsock(_host: str, _port: int, timeout: float | None) -> socket.socket:
    """Connect to the hypervisor over vsock (CID 2 is the host; Apple's Virtualization framework serves port 1024)."""
    channel = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    channel.settimeout(timeout)
    try:
        channel.connect((VSOCK_HOST, VSOCK_PORT))
    except OSError:
        channel.close()
        raise
    return channel


WAYS: Mapping[str, Dial] = {
    "tcp": connect,
    "privileged": connect_from_privileged_port,
    "vsock": connect_vsock,
}
"""How connections can be made."""


def is_inward(address: str) -> bool:
    """Whether an address is on this machine or on its link: loopback, link-local, unspecified, cloud metadata."""
    from ipaddress import IPv6Address, ip_address

    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_loopback or ip.is_link_local or ip.is_unspecified or str(ip) in METADATA_ADDRESSES


METADATA_ADDRESSES = frozenset({"100.100.100.200", "fd00:ec2::254", "fd00:a9fe:a9fe::1", "fd20:ce::254"})
"""Metadata services of Alibaba Cloud, AWS, Akamai and Google that are not link-local."""

Address = tuple[int, int, int, str, Any]


def _resolve(host: str, port: int) -> list[Address]:
    host = host.strip("[]").replace("%25", "%")  # the zone of an IPv6 address, as URLs have it (RFC 6874)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(int(family), int(kind), protocol, name, address) for family, kind, protocol, name, address in found]


def _interleaved(addresses: Iterable[Address]) -> deque[Address]:
    """Families in turn, beginning with the one the resolver put first."""
    by_family: dict[int, list[Address]] = {}
    for address in addresses:
        by_family.setdefault(address[0], []).append(address)
    return deque(one for one in chain.from_iterable(zip_longest(*by_family.values())) if one)


def _race(
    host: str, addresses: Iterable[Address], timeout: float | None, opened: Callable[[Address], socket.socket]
) -> socket.socket:
    waiting = _interleaved(addresses)
    ends = now() + (DIAL_TIMEOUT if timeout is None else min(timeout, DIAL_TIMEOUT))
    failures: list[OSError] = []
    with selectors.DefaultSelector() as racing:
        try:
            while (waiting or racing.get_map()) and now() < ends:
                if waiting:
                    _start(waiting.popleft(), racing, failures, opened)
                pause = min(STAGGER, ends - now()) if waiting else ends - now()
                winner = _winner(racing, pause, failures)
                if winner is not None:
                    winner.settimeout(timeout)
                    return winner
        finally:
            for key in list(racing.get_map().values()):
                _channel(key).close()
    raise _telling(failures) or TimeoutError(errno.ETIMEDOUT, f"{host} does not answer")


def _start(
    address: Address,
    racing: selectors.BaseSelector,
    failures: list[OSError],
    opened: Callable[[Address], socket.socket],
) -> None:
    try:
        channel = opened(address)
    except OSError as error:
        failures.append(error)
        return
    racing.register(channel, selectors.EVENT_WRITE)


def _open(address: Address) -> socket.socket:
    return _begin(address, lambda _channel: None)


def _open_privileged(address: Address) -> socket.socket:
    return _begin(address, _bind_privileged)


def _begin(address: Address, prepare: Callable[[socket.socket], None]) -> socket.socket:
    family, kind, protocol, _, target = address
    channel = socket.socket(family, kind, protocol)
    try:
        channel.setblocking(False)  # noqa: FBT003 - the name of the method says what it is
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        prepare(channel)
        with suppress(BlockingIOError):
            channel.connect(target)
    except OSError:
        channel.close()
        raise
    return channel


def _bind_privileged(channel: socket.socket) -> None:
    first = int.from_bytes(os.urandom(2), "big") % len(PRIVILEGED)
    for port in (*PRIVILEGED[first:], *PRIVILEGED[:first]):
        try:
            channel.bind(("", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return
    raise OSError(errno.EADDRINUSE, "no local port below 1024 is free")


def _winner(racing: selectors.BaseSelector, seconds: float, failures: list[OSError]) -> socket.socket | None:
    """The first connection that stands; those that failed leave the race."""
    if not racing.get_map():
        return None
    for key, _ in racing.select(max(0.0, seconds)):
        channel = _channel(key)
        racing.unregister(channel)
        problem = channel.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not problem:
            return channel
        channel.close()
        failures.append(OSError(problem, os.strerror(problem)))
    return None


def _channel(key: selectors.SelectorKey) -> socket.socket:
    channel = key.fileobj
    assert isinstance(channel, socket.socket)  # noqa: S101 - for the type checker: only sockets are registered
    return channel


def _telling(failures: list[OSError]) -> OSError | None:
    """The failure that says most: an answer (refused) before no answer before no way."""
    unreachable = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    return min(failures, key=lambda error: (error.errno in unreachable, error.errno == errno.ETIMEDOUT), default=None)
