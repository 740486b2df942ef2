"""Networks as arguments of the kernel command line, which dracut reads. Source: dracut.cmdline(7)."""

from __future__ import annotations

from collections.abc import Iterator

from provision.metadata.network.interfaces import Address, Destination, Interface, InterfaceAddress, Network, Route

DHCP = {"ipv4": "dhcp", "ipv6": "dhcp6", "yes": "dhcp,dhcp6"}
"""DHCP= of systemd.network(5) -> the method of `ip=`."""


def kernel_arguments(network: Network) -> str:
    """The arguments for interfaces that have a name or MAC address, joined; empty if there is nothing to configure."""
    words: list[str] = []
    servers: dict[Address, None] = {}
    for one in network.interfaces:
        device = one.name or one.mac
        if device:
            words += _interface_arguments(one, device)
            servers |= dict.fromkeys(one.name_servers)
    return " ".join([*words, *(f"nameserver={_bracketed(server)}" for server in servers)])


def without_names(network: Network) -> str:
    """The same for a platform whose names of interfaces are not those of the machine; each has its default gateway."""
    words: list[str] = []
    for one in network.interfaces:
        for address in one.addresses:
            gateway = next(
                (_bracketed(route.gateway) for route in one.routes if _is_default(route, address.version)), ""
            )
            mtu = f":{one.mtu}" if one.mtu else ""
            words.append(f"ip={_bracketed(address.ip)}::{gateway}:{_mask(address)}:::off{mtu}")
        if one.dhcp:
            words.append(f"ip={DHCP[one.dhcp]}")
        if one.name_servers:
            words.append(f"nameserver={','.join(map(str, one.name_servers))}")
    return " ".join(words)


def _is_default(route: Route, version: int) -> bool:
    return route.destination.version == version and not route.destination.prefixlen


def _mask(address: InterfaceAddress) -> str:
    return str(address.netmask if address.version == 4 else address.network.prefixlen)


def _interface_arguments(one: Interface, device: str) -> Iterator[str]:
    mtu = f":{one.mtu}" if one.mtu else ""
    for address in one.addresses:
        yield f"ip={_bracketed(address.ip)}:::{_mask(address)}::{device}:static{mtu}"
    if one.dhcp:
        yield f"ip={device}:{DHCP[one.dhcp]}{mtu}"
    for route in one.routes:
        if not route.destination.prefixlen:
            yield f"rd.route={_bracketed(route.destination)}:{_bracketed(route.gateway)}"


def _bracketed(address: Address | Destination) -> str:
    return f"[{address}]" if address.version == 6 else str(address)
