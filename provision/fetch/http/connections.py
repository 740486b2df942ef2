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
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from provision.fetch.http.error_texts import NAME_REMEDY, REMEDIES
from provision.fetch.retry import Report, now

STAGGER = 0.25
"""Seconds after which the next address is tried beside the ones that have not answered (RFC 8305)."""

LOOK_AGAIN = 1.0
"""Seconds after which an address to which there was no way is tried again."""

CONNECT_TIMEOUT = 30.0
PRIVILEGED = range(1, 1024)
VSOCK_HOST, VSOCK_PORT = 2, 1024


REFUSAL = "is a loopback, link-local or metadata address, which a redirect may not lead to"


class ConnectRequest(NamedTuple):
    """Whom to connect to, within how many seconds (None: for ever), and whom to tell what is being waited for."""

    host: str
    port: int
    seconds: float | None
    report: Report


Connect = Callable[[ConnectRequest], socket.socket]
"""Makes a connection. Raises OSError."""


class RefusedError(OSError):
    """The trust rules forbid to connect to this address."""


def connect(call: ConnectRequest) -> socket.socket:
    """Connect to any address of a host."""
    return _connected(call, _open)


def connect_guarded(call: ConnectRequest) -> socket.socket:
    """Connect to a host that somebody elsewhere named: never to loopback or link-local addresses.

    A redirect must not make a machine ask its own metadata service, whatever name the address hides behind.
    """
    return _connected(call, _open, _outward)


def connect_from_privileged_port(call: ConnectRequest) -> socket.socket:
    """Connect from a local port below 1024, as Scaleway's metadata service asks of root."""
    return _connected(call, _open_privileged)


def connect_vsock(call: ConnectRequest) -> socket.socket:
    """Connect to the hypervisor over vsock (CID 2 is the host; Apple's Virtualization framework serves port 1024)."""
    channel = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    channel.settimeout(call.seconds)
    try:
        channel.connect((VSOCK_HOST, VSOCK_PORT))
    except OSError:
        channel.close()
        raise
    return channel


CONNECT_METHODS: Mapping[str, Connect] = {
    "tcp": connect,
    "privileged": connect_from_privileged_port,
    "vsock": connect_vsock,
}
"""How connections can be made."""


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


def resolve(host: str, port: int, seconds: float, kind: int = socket.SOCK_STREAM) -> list[Address]:
    """The addresses of a host, as socket.getaddrinfo gives them. Raises OSError, and ValueError for what is no name.

    The C library asks each name server for 5 s, and then again, whatever time there is: a thread does that.
    """
    found = literal(host, port, kind)
    if found:
        return found
    answers: SimpleQueue[list[Address] | Exception] = SimpleQueue()
    Thread(target=_ask_for, args=(host, port, kind, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise socket.gaierror(socket.EAI_AGAIN, "the name servers do not answer") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def literal(host: str, port: int, kind: int = socket.SOCK_STREAM) -> list[Address]:
    """The address that a host is written as, in any of the forms that the C library takes; none for a name."""
    host = host.strip("[]").replace("%25", "%")  # the zone of an IPv6 address, as URLs have it (RFC 6874)
    try:
        return [*socket.getaddrinfo(host, port, type=kind, flags=socket.AI_NUMERICHOST)]
    except (OSError, ValueError):
        return []


def _ask_for(host: str, port: int, kind: int, answers: SimpleQueue[list[Address] | Exception]) -> None:
    try:
        answers.put([*socket.getaddrinfo(host, port, type=kind)])
    except (OSError, ValueError) as error:
        answers.put(error)


def _outward(addresses: Iterable[Address]) -> list[Address]:
    """Those that may be asked on the word of others. Raises RefusedError if there are none."""
    allowed = [one for one in addresses if not is_local_or_metadata(one[4][0])]
    if not allowed:
        raise RefusedError(errno.EACCES, REFUSAL)
    return allowed


def _connected(
    call: ConnectRequest,
    opened: Callable[[Address], socket.socket],
    chosen: Callable[[Iterable[Address]], Iterable[Address]] = iter,
) -> socket.socket:
    """A connection to one of the chosen addresses; its timeout is what is left of the time."""
    ends = now() + min(call.seconds or CONNECT_TIMEOUT, CONNECT_TIMEOUT)
    call.report("name not resolved yet", NAME_REMEDY)
    addresses = chosen(resolve(call.host, call.port, ends - now()))
    call.report(f"no connection to port {call.port} yet", REMEDIES[errno.ETIMEDOUT])
    channel = _race(call.host, addresses, ends, opened)
    channel.settimeout(max(ends - now(), 0.001))
    return channel


def _interleaved(addresses: Iterable[Address]) -> deque[Address]:
    """Families in turn, beginning with the one the resolver put first."""
    by_family: dict[int, list[Address]] = {}
    for address in addresses:
        by_family.setdefault(address[0], []).append(address)
    return deque(one for one in chain.from_iterable(zip_longest(*by_family.values())) if one)


def _race(
    host: str, addresses: Iterable[Address], ends: float, opened: Callable[[Address], socket.socket]
) -> socket.socket:
    """The first connection that stands. An address without a way is tried again while others hang: it may come up."""
    waiting, wayless = _interleaved(addresses), deque[Address]()
    failures: list[OSError] = []
    with selectors.DefaultSelector() as racing:
        try:
            while (waiting or racing.get_map()) and now() < ends:
                if waiting and not _start(address := waiting.popleft(), racing, failures, opened):
                    wayless.append(address)
                winner = _winner(racing, min(STAGGER if waiting else LOOK_AGAIN, ends - now()), failures)
                if winner is not None:
                    return winner
                if not waiting and racing.get_map():
                    waiting, wayless = wayless, deque()
            if racing.get_map():
                failures.append(TimeoutError(errno.ETIMEDOUT, f"{host} does not answer"))
        finally:
            for key in list(racing.get_map().values()):
                _channel(key).close()
    raise _telling(failures)


def _start(
    address: Address,
    racing: selectors.BaseSelector,
    failures: list[OSError],
    opened: Callable[[Address], socket.socket],
) -> bool:
    """Whether there is a way to an address, on which a connection begins."""
    try:
        racing.register(opened(address), selectors.EVENT_WRITE)
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


def _telling(failures: list[OSError]) -> OSError:
    """The failure that says most: an answer (refused) before no answer before no way."""
    unreachable = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    silent = TimeoutError(errno.ETIMEDOUT, "no time was left to connect")
    return min(failures, key=lambda error: (error.errno in unreachable, error.errno == errno.ETIMEDOUT), default=silent)
