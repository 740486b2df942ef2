"""Whether there is a network yet. The kernel is asked (rtnetlink(7)), so that no request has to fail first.

The kernel answers for the network namespace of this process.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any, NamedTuple

from provision.fetch.http import connections
from provision.fetch.stop_event import StopEvent

LOOPBACK = "lo"
# linux/rtnetlink.h: link, IPv4 address and route, IPv6 address and route
GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400

# linux/netlink.h and linux/rtnetlink.h; linux/if_link.h and linux/if_addr.h; linux/if.h
REQUEST_DUMP = 0x1 | 0x300
ERROR, DONE = 2, 3
NEW_LINK, GET_LINK, NEW_ADDRESS, GET_ADDRESS = 16, 18, 20, 22
LINK_NAME, ADDRESS, LOCAL_ADDRESS = 3, 1, 2
GLOBAL_SCOPE = 0
MESSAGE = struct.Struct("=IHHII")  # length, type, flags, sequence, port
LINK = struct.Struct("=BxHiII")  # family, type of device, index, flags, change mask
LINK_ADDRESS = struct.Struct("=BBBBI")  # family, length of prefix, flags, scope, index
ATTRIBUTE = struct.Struct("=HH")  # length, type
IFF_UP, IFF_RUNNING = 0x1, 0x40
DUMP_SECONDS = 5.0
LOCAL_NAME_SECONDS = 2.0
"""Limit in seconds for looking up a name in /etc/hosts while there is no network yet."""

ANY_PORT = 9
"""A port for asking the kernel for a route; nothing is sent to it."""


class InterfaceState(NamedTuple):
    """A network interface. `addresses` leaves out link-local ones; `carrier` is the kernel's IFF_RUNNING."""

    name: str
    is_up: bool
    carrier: bool
    addresses: tuple[str, ...]


class LinkEvents:
    """The kernel's events that a link, an address or a route changed.

    Create this before you check for a route: then no change after the check is missed.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, GROUPS))

    def wait(self, seconds: float, stop: StopEvent) -> None:
        """Return when something changed, when `stop` is set, or after so many seconds."""
        if stop.wait_readable(self._socket, seconds):
            self._socket.setblocking(False)  # noqa: FBT003 - the name of the method says what it is
            with suppress(OSError):  # no more events; or ENOBUFS: so many that some were dropped
                while True:
                    self._socket.recv(65536)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def route_exists(host: str, stop: StopEvent | None = None) -> bool:
    """Whether the kernel has a route to a host; for a name, whether it makes sense to look up its address."""
    addresses = connections.literal(host, ANY_PORT, socket.SOCK_DGRAM)
    if not addresses:
        return any(one.addresses for one in interfaces()) or _is_local_name(host, stop)
    return any(_routed(family, address) for family, _, _, _, address in addresses)


def why_not(host: str) -> tuple[str, str]:
    """Why there is no network yet, and what to do about it."""
    present = list(interfaces())
    names = ", ".join(one.name for one in present)
    if not present:
        return "there is no network interface", "is the driver in the initramfs?"
    if not any(one.carrier for one in present):
        return f"no carrier on {names}", "check the cable or the virtual network"
    if not any(one.addresses for one in present):
        return f"no address on {names} yet", "no DHCP lease: check the DHCP server, or set a static address with ip="
    return f"no route to {host}", "check the gateway and the netmask"


def interfaces() -> Iterator[InterfaceState]:
    """The interfaces of this network namespace, without loopback."""
    addresses: dict[int, tuple[str, ...]] = {}
    for message in _dump(GET_ADDRESS, NEW_ADDRESS, LINK_ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        family, _, _, scope, index = LINK_ADDRESS.unpack_from(message)
        found = dict(_attributes(message[LINK_ADDRESS.size :]))
        raw = found.get(LOCAL_ADDRESS) or found.get(ADDRESS, b"")
        if scope == GLOBAL_SCOPE and family in {socket.AF_INET, socket.AF_INET6}:
            addresses[index] = (*addresses.get(index, ()), socket.inet_ntop(family, raw))
    for message in _dump(GET_LINK, NEW_LINK, LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        _, _, index, flags, _ = LINK.unpack_from(message)
        name = dict(_attributes(message[LINK.size :])).get(LINK_NAME, b"").rstrip(b"\0").decode(errors="replace")
        if name != LOOPBACK:
            usable = tuple(one for one in addresses.get(index, ()) if not one.startswith("169.254."))
            yield InterfaceState(name, bool(flags & IFF_UP), bool(flags & IFF_RUNNING), usable)


def _dump(question: int, kind: int, body: bytes) -> Iterator[bytes]:
    """The bodies of the kernel's answers to a request for all objects of a kind (rtnetlink(7)); none without answer."""
    with closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)) as channel, suppress(OSError):
        channel.settimeout(DUMP_SECONDS)
        channel.send(MESSAGE.pack(MESSAGE.size + len(body), question, REQUEST_DUMP, 1, 0) + body)
        while True:
            data = channel.recv(1 << 16)
            while len(data) >= MESSAGE.size:
                length, answer, _, _, _ = MESSAGE.unpack_from(data)
                if answer in {ERROR, DONE} or length < MESSAGE.size:
                    return
                if answer == kind:
                    yield data[MESSAGE.size : length]
                data = data[_aligned(length) :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each attribute of a netlink message."""
    while len(data) >= ATTRIBUTE.size:
        length, kind = ATTRIBUTE.unpack_from(data)
        if length < ATTRIBUTE.size:
            return
        yield kind, data[ATTRIBUTE.size : length]
        data = data[_aligned(length) :]


def _aligned(length: int) -> int:
    """A length rounded up to a multiple of 4, as netlink aligns its messages and attributes."""
    return (length + 3) & ~3


def _routed(family: int, address: Any) -> bool:
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(address)
        except OSError:
            return False
        return True


def _is_local_name(host: str, stop: StopEvent | None) -> bool:
    """Whether a name can be resolved without a network, by /etc/hosts."""
    try:
        addresses = connections.resolve_host(host, ANY_PORT, LOCAL_NAME_SECONDS, socket.SOCK_DGRAM, stop)
    except (OSError, ValueError):
        return False
    return any(_routed(family, address) for family, _, _, _, address in addresses)
