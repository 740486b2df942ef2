"""Network links (interfaces): their addresses; taken down, so that the real root configures them from the beginning."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from fcntl import ioctl

# linux/sockios.h, linux/if.h
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCGIFADDR, _SIOCSIFADDR = 0x8913, 0x8914, 0x8915, 0x8916
_IFF_UP = 1

_MOST_ADDRESSES = 64


def names() -> list[str]:
    """The names of all links but the loopback."""
    with suppress(FileNotFoundError):
        return [name for name in sorted(os.listdir("/sys/class/net")) if name != "lo"]
    return []


def addresses() -> list[str]:
    """The first IPv4 address of each link, and all global IPv6 addresses, without those of the loopback."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
        for name in names():
            with suppress(OSError):  # EADDRNOTAVAIL: it has none
                answer = ioctl(control, _SIOCGIFADDR, struct.pack("16s24x", name.encode()))
                found.append(socket.inet_ntoa(answer[20:24]))
    with suppress(OSError), open("/proc/net/if_inet6", encoding="ascii") as file:
        # address, index, length, scope, flags, name; scope 0 is global (net/ipv6/addrconf.c of Linux)
        fields = [line.split() for line in file]
        found += [socket.inet_ntop(socket.AF_INET6, bytes.fromhex(one[0])) for one in fields if one[3] == "00"]
    return found


def take_down(name: str) -> None:
    """Remove the link's IPv4 addresses and set it down, which ends its routes and IPv6 addresses. Raises OSError.

    The address 0.0.0.0 removes the first one (netdevice(7), SIOCSIFADDR).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
        with suppress(OSError):  # EADDRNOTAVAIL: it has no address any more
            for _ in range(_MOST_ADDRESSES):
                ioctl(control, _SIOCGIFADDR, struct.pack("16s24x", name.encode()))
                ioctl(control, _SIOCSIFADDR, struct.pack("16sH22x", name.encode(), socket.AF_INET))
        request = ioctl(control, _SIOCGIFFLAGS, struct.pack("16s24x", name.encode()))
        flags = struct.unpack_from("H", request, 16)[0]
        ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags & ~_IFF_UP))
