"""TCP connections to the address of a host that answers first; for redirects only to external addresses."""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from provision.fetch.http.error_texts import NAME_REMEDY, REMEDIES
from provision.fetch.retry import Report, now
from provision.fetch.stop_event import StopEvent
from provision.threads import Task, first_to_end

STAGGER = 0.25
"""Seconds after which the next address is tried beside the ones that have not answered (RFC 8305)."""

LOOK_AGAIN = 1.0
"""Seconds after which an address that failed is tried again while another one has not answered."""

CONNECT_TIMEOUT = 30.0
"""Seconds for a connection, the look-up of the name included."""

PRIVILEGED = range(1, 1024)


REFUSAL = "is a loopback, link-local or metadata address, which a redirect may not lead to"


class ConnectRequest(NamedTuple):
    """Host and port, the limit in seconds (None: no limit), the function that reports what we wait for, and `stop`.

    `stop` ends the attempt.
    """

    host: str
    port: int
    seconds: float | None
    report: Report
    stop: StopEvent


Connect = Callable[[ConnectRequest], socket.socket]
"""Makes a connection. Raises OSError."""


class RefusedError(OSError):
    """The address is one that a redirect may not lead to."""


def connect(request: ConnectRequest) -> socket.socket:
    """A connection to any address of a host. Raises OSError."""
    return _connected(request, _open)


def connect_guarded(request: ConnectRequest) -> socket.socket:
    """Connect to the host of a redirect, but not to loopback, link-local or metadata addresses.

    Raises RefusedError for such an address, OSError if no address answers.

    A redirect must not make a machine ask its own metadata service, whatever the name in the URL is. So the address of
    the connection is checked, not the name.
    """
    channel = _connected(request, _open, _external_only)
    try:
        peer = channel.getpeername()[0]
    except OSError:
        channel.close()
        raise
    if is_local_or_metadata(peer):
        channel.close()
        raise RefusedError(errno.EACCES, REFUSAL)
    return channel


def connect_from_privileged_port(request: ConnectRequest) -> socket.socket:
    """Connect from a local port below 1024, which only root can use: Scaleway's metadata service requires it.

    Raises OSError.
    """
    return _connected(request, _open_privileged)


def is_local_or_metadata(address: str) -> bool:
    """Whether an address is on this machine or on its link: loopback, link-local, unspecified, cloud metadata."""
    from ipaddress import IPv6Address, ip_address

    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_loopback or ip.is_link_local or ip.is_unspecified or str(ip) in METADATA_ADDRESSES


METADATA_ADDRESSES = frozenset({
    "100.100.100.200",  # Alibaba Cloud
    "168.63.129.16",  # Azure
    "fd00:42::42",  # Scaleway
    "fd00:a9fe:a9fe::1",  # Akamai
    "fd00:c1::a9fe:a9fe",  # Oracle Cloud
    "fd00:ec2::254",  # AWS
    "fd20:ce::254",  # Google Cloud
})  # fmt: skip
"""Metadata services that are not link-local."""

Address = tuple[int, int, int, str, Any]


def resolve_host(
    host: str, port: int, seconds: float, kind: int = socket.SOCK_STREAM, stop: StopEvent | None = None
) -> list[Address]:
    """The addresses of a host, as socket.getaddrinfo gives them; `kind` is the type of socket.

    Raises OSError, ValueError if `host` is no name, or Failure if the system starts no thread.

    The C library asks each name server for 5 s, twice, and takes no time limit. So a thread calls it.
    """
    found = literal(host, port, kind)
    if found:
        return found

    def ask() -> list[Address]:
        return [*socket.getaddrinfo(host, port, type=kind)]

    asking = Task(ask)
    if first_to_end([asking], seconds, None if stop is None else stop.fileno()) is None:
        raise socket.gaierror(socket.EAI_AGAIN, "the name servers do not answer")
    return asking.result()


def literal(host: str, port: int, kind: int = socket.SOCK_STREAM) -> list[Address]:
    """The address of a host that is written as an address, in any form of the C library; [] for a name."""
    host = host.strip("[]").replace("%25", "%")  # the zone of an IPv6 address, as URLs have it (RFC 6874)
    try:
        return [*socket.getaddrinfo(host, port, type=kind, flags=socket.AI_NUMERICHOST)]
    except (OSError, ValueError):
        return []


def _external_only(addresses: Iterable[Address]) -> list[Address]:
    """The addresses that a redirect may lead to. Raises RefusedError if there are none."""
    allowed = [one for one in addresses if not is_local_or_metadata(one[4][0])]
    if not allowed:
        raise RefusedError(errno.EACCES, REFUSAL)
    return allowed


def _connected(
    request: ConnectRequest,
    opened: Callable[[Address], socket.socket],
    chosen: Callable[[Iterable[Address]], Iterable[Address]] = iter,
) -> socket.socket:
    """A connection to one of the chosen addresses. Its timeout is the time that is left."""
    ends = now() + min(request.seconds or CONNECT_TIMEOUT, CONNECT_TIMEOUT)
    request.report("name not resolved yet", NAME_REMEDY)
    addresses = chosen(resolve_host(request.host, request.port, ends - now(), stop=request.stop))
    request.report(f"no connection to port {request.port} yet", REMEDIES[errno.ETIMEDOUT])
    channel = _first_connection(request, addresses, ends, opened)
    channel.settimeout(max(ends - now(), 0.001))
    request.stop.watch(channel)
    return channel


def _interleaved(addresses: Iterable[Address]) -> deque[Address]:
    """The addresses with IPv4 and IPv6 alternating, beginning with the family of the first address."""
    by_family: dict[int, list[Address]] = {}
    for address in addresses:
        by_family.setdefault(address[0], []).append(address)
    return deque(one for one in chain.from_iterable(zip_longest(*by_family.values())) if one)


def _first_connection(
    request: ConnectRequest, addresses: Iterable[Address], ends: float, opened: Callable[[Address], socket.socket]
) -> socket.socket:
    """The first connection that succeeds. An address that failed is tried again while another one has not answered.

    While the network comes up, an address has no route at first, or a wrong one: Linux ends such an attempt after 3 s
    with EHOSTUNREACH, even if the right route appears meanwhile.
    """
    waiting, failed = _interleaved(addresses), deque[Address]()
    failures: list[OSError] = []
    again = now() + LOOK_AGAIN
    with selectors.DefaultSelector() as attempts:
        try:
            while (waiting or attempts.get_map()) and now() < ends and not request.stop.is_set():
                if waiting and not _start(address := waiting.popleft(), attempts, failures, opened):
                    failed.append(address)
                winner = _winner(attempts, min(STAGGER if waiting else LOOK_AGAIN, ends - now()), failures, failed)
                if winner is not None:
                    return winner
                if not waiting and attempts.get_map() and now() >= again:
                    waiting, failed, again = failed, deque(), now() + LOOK_AGAIN
            if attempts.get_map():
                failures.append(TimeoutError(errno.ETIMEDOUT, f"{request.host} does not answer"))
        finally:
            for key in list(attempts.get_map().values()):
                _channel(key).close()
    raise _most_telling(failures)


def _start(
    address: Address,
    attempts: selectors.BaseSelector,
    failures: list[OSError],
    opened: Callable[[Address], socket.socket],
) -> bool:
    """Begin to connect to an address; False if there is no route to it."""
    try:
        attempts.register(opened(address), selectors.EVENT_WRITE, address)
    except OSError as error:
        failures.append(error)
        return False
    return True


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


def _winner(
    attempts: selectors.BaseSelector, seconds: float, failures: list[OSError], failed: deque[Address]
) -> socket.socket | None:
    """The first connection that succeeded, or None; those that failed are closed, and their addresses kept."""
    if not attempts.get_map():
        return None
    for key, _ in attempts.select(max(0.0, seconds)):
        channel = _channel(key)
        attempts.unregister(channel)
        problem = channel.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not problem:
            return channel
        channel.close()
        failures.append(OSError(problem, os.strerror(problem)))
        failed.append(key.data)
    return None


def _channel(key: selectors.SelectorKey) -> socket.socket:
    channel = key.fileobj
    assert isinstance(channel, socket.socket)  # noqa: S101 - for the type checker: only sockets are registered
    return channel


def _most_telling(failures: list[OSError]) -> OSError:
    """The most useful failure: an answer (refused) before no answer, no answer before no route."""
    unreachable = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    silent = TimeoutError(errno.ETIMEDOUT, "no time was left to connect")
    return min(failures, key=lambda error: (error.errno in unreachable, error.errno == errno.ETIMEDOUT), default=silent)
