"""Interfaces and bonds as values."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import NamedTuple

Address = IPv4Address | IPv6Address
InterfaceAddress = IPv4Interface | IPv6Interface
Destination = IPv4Network | IPv6Network


class Route(NamedTuple):
    """A route to a network through a gateway."""

    destination: Destination
    gateway: Address


class Interface(NamedTuple):
    """An interface, matched by name, MAC address or udev path. `dhcp` is empty, ipv4, ipv6 or yes.

    `mtu` is in bytes, 0 if it is not described. `priority` begins the name of its file. `required_for_online` is a
    value of RequiredForOnline= of systemd.network(5), or empty.
    """

    name: str = ""
    mac: str = ""
    path: str = ""
    mtu: int = 0
    priority: int = 10
    dhcp: str = ""
    name_servers: tuple[Address, ...] = ()
    addresses: tuple[InterfaceAddress, ...] = ()
    routes: tuple[Route, ...] = ()
    bond: str = ""
    unmanaged: bool = False
    required_for_online: str = ""


class Bond(NamedTuple):
    """A bond device with a MAC address, and the settings of its [Bond] section."""

    name: str
    mac: str
    settings: tuple[tuple[str, str], ...]


class Network(NamedTuple):
    """All interfaces and bonds of a machine. `left_out` names the devices of the description that are neither."""

    interfaces: tuple[Interface, ...] = ()
    bonds: tuple[Bond, ...] = ()
    left_out: tuple[str, ...] = ()

    def matched_by_mac(self) -> Network:
        """The same without the names of interfaces that have a MAC address.

        In an initramfs they often have other names: Proxmox VE describes `eth0`, which udev has named `ens18`.
        """
        interfaces = tuple(one._replace(name="") if one.mac else one for one in self.interfaces)
        return self._replace(interfaces=interfaces)
