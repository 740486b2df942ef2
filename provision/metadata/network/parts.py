"""Read parts of a document that may hold anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, TypeVar

from provision.failures import FetchFailed
from provision.metadata.network.interfaces import Address, Destination, InterfaceAddress, Route

T = TypeVar("T")

MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}|([0-9a-f]{2}(:[0-9a-f]{2}){19})")
"""Ethernet, or InfiniBand."""

NAME = re.compile(r"[A-Za-z0-9_.@-]{1,15}")
"""A name that Linux takes for an interface, of plain characters: it becomes part of a file name."""


def entries(value: Any, key: str) -> Iterator[dict[str, Any]]:
    """The mappings in the list at a key; none if there is no list."""
    found = value.get(key) if isinstance(value, dict) else None
    return (entry for entry in found if isinstance(entry, dict)) if isinstance(found, list) else iter(())


def texts(value: Any, key: str) -> Iterator[str]:
    """The texts in the list at a key; none if there is no list."""
    found = value.get(key) if isinstance(value, dict) else None
    return (entry for entry in found if isinstance(entry, str)) if isinstance(found, list) else iter(())


def text(value: Any, key: str) -> str:
    """The text or number at a key; empty if there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def mac(value: Any, key: str) -> str:
    """The MAC address at a key; empty if there is none. Raises FetchFailed for another text."""
    found = text(value, key).lower()
    return _valid(found, MAC, "a MAC address")


def name(value: Any, key: str) -> str:
    """The name of an interface at a key; empty if there is none. Raises FetchFailed for another text."""
    return _valid(text(value, key), NAME, "the name of an interface")


def mtu(value: Any, key: str) -> int:
    """The MTU at a key, in bytes; 0 if there is none, or one that no link can have: then it still gets its addresses.

    IPv4 needs 68 bytes (RFC 791, section 3.2); the field of a packet's length has 16 bits.
    """
    found = text(value, key)
    return int(found) if re.fullmatch(r"[0-9]{2,5}", found) and 68 <= int(found) <= 65535 else 0


def _valid(found: str, pattern: re.Pattern[str], what: str) -> str:
    if found and (not pattern.fullmatch(found) or found in {".", ".."}):
        raise FetchFailed("network metadata", f"{found!r} is not {what}")
    return found


def address(found: str) -> Address:
    """An IP address. Raises FetchFailed for another text."""
    return _parsed(ip_address, found)


def interface_address(found: str, mask: str = "") -> InterfaceAddress:
    """An address with its network: `ADDRESS/PREFIX`, or an address and a netmask or prefix. Raises FetchFailed."""
    return _parsed(ip_interface, f"{found}/{_prefix(mask)}" if mask else found)


def destination(found: str, mask: str = "") -> Destination:
    """A network in either form; bits of a host are ignored. Raises FetchFailed."""
    return _parsed(lambda one: ip_network(one, strict=False), f"{found}/{_prefix(mask)}" if mask else found)


def default_route(gateway: str) -> Route:
    """The default route through a gateway. Raises FetchFailed."""
    through = address(gateway)
    return Route(destination("0.0.0.0/0" if through.version == 4 else "::/0"), through)


def _prefix(mask: str) -> str:
    """An IPv6 netmask as a prefix length, which `ipaddress` wants; other masks as they are."""
    if ":" not in mask:
        return mask
    bits = f"{int(address(mask)):0128b}"
    if "01" in bits:
        raise FetchFailed("network metadata", f"{mask!r} is not a netmask")
    return str(bits.count("1"))


def _parsed(parse: Callable[[str], T], found: str) -> T:
    try:
        return parse(found)
    except ValueError:
        raise FetchFailed("network metadata", f"{found!r} is not an address or network") from None
