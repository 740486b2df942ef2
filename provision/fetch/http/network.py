"""Whether there is a network yet: told by the kernel's events (rtnetlink), not by failing.

Everything here asks the kernel through sockets, so it sees the network namespace it runs in.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any, NamedTuple

LOOPBACK = "lo"
# linux/rtnetlink.h: link, IPv4 address and route, IPv6 address and route
GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
# linux/sockios.h and linux/if.h
SIOCGIFFLAGS, SIOCGIFADDR = 0x8913, 0x8915
IFF_UP, IFF_RUNNING = 0x1, 0x40
ANY_PORT = 9
"""A port for asking the kernel for a route; nothing is sent to it."""


class Interface(NamedTuple):
    """A network interface: `addresses` without link-local ones, `carrier` as the kernel's IFF_RUNNING."""

    name: str
    is_up: bool
    carrier: bool
    addresses: tuple[str, ...]


class Events:
    """The kernel's word that a link, an address or a route changed. Made before looking, so that none is missed."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, GROUPS))

    def wait(self, seconds: float) -> None:
        """Return when something changed, or after so many seconds."""
        # poll(2), as the timeouts of sockets are: select(2) takes no descriptor beyond 1023, and a boot may have more
        self._socket.settimeout(max(seconds, 0.001))
        with suppress(OSError):  # the time is over; or ENOBUFS: so many events that some were dropped
            self._socket.recv(65536)
            self._socket.settimeout(0)
            while True:
                self._socket.recv(65536)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def route_exists(host: str) -> bool:
    """Whether the kernel knows a way to a host, or, for a name, whether asking for its address makes sense."""
    try:
        addresses = socket.getaddrinfo(host, ANY_PORT, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return any(one.addresses for one in interfaces()) or _is_local_name(host)
    return any(_routed(family, address) for family, _, _, _, address in addresses)


def why_not(host: str) -> tuple[str, str]:
    """What keeps the network from being there, and what to do about it."""
    present = list(interfaces())
    names = ", ".join(one.name for one in present)
    if not present:
        return "there is no network interface", "is the driver in the initramfs?"
    if not any(one.carrier for one in present):
        return f"no carrier on {names}", "check the cable or the virtual network"
    if not any(one.addresses for one in present):
        return f"no address on {names} yet", "no DHCP lease: check the DHCP server, or set a static address with ip="
    return f"no route to {host}", "check the gateway and the netmask"


def interfaces() -> Iterator[Interface]:
    """The interfaces of this network namespace, without loopback."""
    version6 = _addresses6()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        for _, name in socket.if_nameindex():
            if name != LOOPBACK:
                flags = _flags(probe, name)
                addresses = (*_address4(probe, name), *version6.get(name, ()))
                yield Interface(name, bool(flags & IFF_UP), bool(flags & IFF_RUNNING), addresses)


def _routed(family: int, address: Any) -> bool:
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(address)
        except OSError:
            return False
        return True


def _is_local_name(host: str) -> bool:
    try:
        addresses = socket.getaddrinfo(host, ANY_PORT, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    return any(_routed(family, address) for family, _, _, _, address in addresses)


def _request(name: str) -> bytes:
    return struct.pack("16s24x", name.encode())


def _flags(probe: socket.socket, name: str) -> int:
    try:
        answer = fcntl.ioctl(probe, SIOCGIFFLAGS, _request(name))
    except OSError:  # it went away meanwhile
        return 0
    return int(struct.unpack_from("16xH", answer)[0])


def _address4(probe: socket.socket, name: str) -> tuple[str, ...]:
    try:
        answer = fcntl.ioctl(probe, SIOCGIFADDR, _request(name))
    except OSError:  # EADDRNOTAVAIL: it has none
        return ()
    address = socket.inet_ntoa(answer[20:24])
    return () if address.startswith("169.254.") else (address,)


def _addresses6() -> dict[str, tuple[str, ...]]:
    """Global IPv6 addresses by interface. The fourth column of the kernel's table is the scope: 00 is global."""
    found: dict[str, tuple[str, ...]] = {}
    try:
        with open("/proc/thread-self/net/if_inet6", encoding="ascii") as table:
            lines = table.read().splitlines()
    except OSError:  # a kernel without IPv6
        return found
    for line in lines:
        address, _, _, scope, _, name = line.split()
        if scope == "00":
            found[name] = (*found.get(name, ()), socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address)))
    return found
