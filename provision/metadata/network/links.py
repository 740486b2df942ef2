"""What each network link of this machine gets from the network that its platform describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from provision.metadata.network.interfaces import Address, Interface, InterfaceAddress, Network, Route

IPV6_MTU = 1280
"""Bytes of a packet that each link with an IPv6 address can carry (RFC 8200, section 5); else Linux removes IPv6."""


class LinkSettings(NamedTuple):
    """The settings of one link of this machine. `asks_dhcp` says whether it gets an IPv4 address by DHCP.

    `mtu` is in bytes; 0 leaves it as it is.
    """

    name: str
    addresses: tuple[InterfaceAddress, ...] = ()
    routes: tuple[Route, ...] = ()
    name_servers: tuple[Address, ...] = ()
    asks_dhcp: bool = False
    mtu: int = 0


class AssignedNetwork(NamedTuple):
    """The links of this machine that a network describes, and in words what none of them gets."""

    links: tuple[LinkSettings, ...]
    left_out: tuple[str, ...]

    @property
    def is_usable(self) -> bool:
        """Whether some link gets an address."""
        return any(one.addresses or one.asks_dhcp for one in self.links)


def assigned(network: Network, macs: Mapping[str, str]) -> AssignedNetwork:
    """Give each link what the interface with its MAC address gets; `macs` has the MAC address of each link by its name.

    An interface without a MAC address is the link of its name. With DHCP for IPv4 a link gets no other IPv4 addresses:
    ipconfig of klibc would remove them. There is no DHCP for IPv6.
    """
    links = []
    left_out = list(network.left_out)
    for one in network.interfaces:
        name = link_name(one, macs)
        if name is None:
            left_out.append(_missing(one.name or one.mac))
            continue
        links.append(_settings(one, name))
        left_out += _without(one, name)
    return AssignedNetwork(tuple(links), tuple(left_out))


def _missing(interface: str) -> str:
    return f"{interface}, which this machine lacks" if interface else "an interface without a name or a MAC address"


def link_name(one: Interface, macs: Mapping[str, str]) -> str | None:
    """The name of the link that an interface of a description is; None if this machine has no such link."""
    if one.mac:
        return next((name for name, mac in macs.items() if mac == one.mac), None)
    return one.name if one.name in macs else None


def _settings(one: Interface, name: str) -> LinkSettings:
    asks_dhcp = one.dhcp in {"ipv4", "yes"}
    versions = {6} if asks_dhcp else {4, 6}
    return LinkSettings(
        name,
        tuple(address for address in one.addresses if address.version in versions),
        tuple(route for route in one.routes if route.destination.version in versions),
        one.name_servers,
        asks_dhcp,
        max(one.mtu, IPV6_MTU) if one.mtu and any(address.version == 6 for address in one.addresses) else one.mtu,
    )


def _without(one: Interface, name: str) -> list[str]:
    """What a link does not get of its settings."""
    found = [f"DHCP for IPv6 on {name}"] if one.dhcp in {"ipv6", "yes"} else []
    if one.dhcp in {"ipv4", "yes"}:
        found += [f"{address} on {name}, which uses DHCP" for address in one.addresses if address.version == 4]
    return found
