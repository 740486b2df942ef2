"""Configures network links by rtnetlink(7), in an initramfs that has no program for it: MTU, up, addresses, routes."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from struct import Struct

from provision.fetch.http.network import (
    ADDRESS,
    ATTRIBUTE,
    ERROR,
    GLOBAL_SCOPE,
    IFF_UP,
    LINK,
    LINK_ADDRESS,
    LOCAL_ADDRESS,
    MESSAGE,
    NEW_ADDRESS,
    NEW_LINK,
)

# linux/netlink.h, linux/rtnetlink.h
_REQUEST_ACK, _CREATE_NEW = 0x1 | 0x4, 0x400 | 0x200
_NEW_ROUTE = 24
_ROUTE = Struct("=BBBBBBBBI")  # family, lengths of destination and source, service, table, protocol, scope, type, flags
_MAIN_TABLE, _STATIC, _UNICAST = 254, 4, 1
_ON_LINK = 0x4
_MTU = 4
_DESTINATION, _LINK_INDEX, _GATEWAY, _PRIORITY = 1, 4, 5, 6
_NUMBER = Struct("=i")

_LOWEST_PRIORITY = {4: 0, 6: 1024}
"""What the kernel takes where a request names no priority (IP6_RT_PRIO_USER of linux/ipv6_route.h)."""

_SECONDS = 5.0
"""How long the kernel's answer is waited for."""

_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


def set_up(name: str) -> None:
    """Set a link up. Raises OSError."""
    _request(NEW_LINK, 0, LINK.pack(socket.AF_UNSPEC, 0, socket.if_nametoindex(name), IFF_UP, IFF_UP))


def set_mtu(name: str, mtu: int) -> None:
    """Set the largest packet of a link, in bytes. Raises OSError."""
    body = LINK.pack(socket.AF_UNSPEC, 0, socket.if_nametoindex(name), 0, 0)
    _request(NEW_LINK, 0, body + _attribute(_MTU, _NUMBER.pack(mtu)))


def add_address(name: str, address: IPv4Interface | IPv6Interface) -> None:
    """Give a link one more address. One that it has is no error. Raises OSError."""
    index = socket.if_nametoindex(name)
    body = LINK_ADDRESS.pack(_FAMILY[address.version], address.network.prefixlen, 0, GLOBAL_SCOPE, index)
    packed = address.ip.packed
    _request(NEW_ADDRESS, _CREATE_NEW, body + _attribute(LOCAL_ADDRESS, packed) + _attribute(ADDRESS, packed))


def add_route(
    name: str, destination: IPv4Network | IPv6Network, gateway: IPv4Address | IPv6Address, number: int = 0
) -> None:
    """Add a route through a gateway on a link. One that is there is no error. Raises OSError.

    Of several routes to one destination that with the lowest `number` is used. The gateway needs no address of its
    network on the link, because some platforms give a machine an address alone.
    """
    table = (_MAIN_TABLE, _STATIC, GLOBAL_SCOPE, _UNICAST, _ON_LINK)
    body = _ROUTE.pack(_FAMILY[destination.version], destination.prefixlen, 0, 0, *table)
    if destination.prefixlen:
        body += _attribute(_DESTINATION, destination.network_address.packed)
    body += _attribute(_GATEWAY, gateway.packed)
    body += _attribute(_LINK_INDEX, _NUMBER.pack(socket.if_nametoindex(name)))
    priority = number + _LOWEST_PRIORITY[destination.version]
    _request(_NEW_ROUTE, _CREATE_NEW, body + _attribute(_PRIORITY, _NUMBER.pack(priority)))


def _attribute(kind: int, value: bytes) -> bytes:
    """An attribute of a message; all values here are multiples of 4 bytes, so it needs no padding."""
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(value), kind) + value


def _request(kind: int, flags: int, body: bytes) -> None:
    """Send a message, and wait for the kernel's answer. What exists already is no error. Raises OSError."""
    with closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)) as channel:
        channel.settimeout(_SECONDS)
        channel.send(MESSAGE.pack(MESSAGE.size + len(body), kind, _REQUEST_ACK | flags, 1, 0) + body)
        answer = channel.recv(1 << 16)
    if MESSAGE.unpack_from(answer)[1] != ERROR:
        return
    number = -_NUMBER.unpack_from(answer, MESSAGE.size)[0]
    if number:
        error = OSError(number, os.strerror(number))
        if not isinstance(error, FileExistsError):
            raise error
