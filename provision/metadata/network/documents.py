"""The documents in which platforms describe a network.

Source: "Network Data" of OpenStack Nova, "Networking Config" 1 and 2 of cloud-init, DigitalOcean's metadata API.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provision.metadata.network import parts
from provision.metadata.network.interfaces import Interface, InterfaceAddress, Network, Route

PRIORITY = 20
"""Of units from a document that names no priority, as in Afterburn."""

MADE_LINKS = frozenset({"bond", "vlan"})
"""Types of OpenStack's links that are made of other links."""

READ_TYPES = frozenset({"physical", "nameserver"})
"""Types of entries of cloud-init's version 1 that become interfaces, or are a part of them."""

MADE_SECTIONS = ("bonds", "bridges", "tunnels", "vlans", "vrfs", "wifis")
"""Sections of cloud-init's version 2, which is netplan's form, that do not become interfaces."""

DHCP = {"dhcp": "ipv4", "dhcp4": "ipv4", "dhcp6": "ipv6", "ipv4_dhcp": "ipv4", "ipv6_dhcp": "ipv6"}


def digitalocean(document: Any) -> Network:
    """The interfaces of DigitalOcean's document; entries with the same MAC address are one. Raises FetchFailed."""
    groups = document.get("interfaces") if isinstance(document, dict) else None
    servers = tuple(map(parts.address, parts.texts(document.get("dns"), "nameservers"))) if groups else ()
    found: dict[str, Interface] = {}
    for entry in (*parts.entries(groups, "public"), *parts.entries(groups, "private")):
        mac = parts.mac(entry, "mac")
        before = found.get(mac, Interface(mac=mac, name_servers=servers))
        addresses, routes = zip(*_digitalocean_addresses(entry), strict=True) if any(_families(entry)) else ((), ())
        found[mac] = before._replace(
            addresses=(*before.addresses, *addresses),
            routes=(*before.routes, *(route for some in routes for route in some)),
        )
    return Network(tuple(found.values()))


def _families(entry: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for family in ("ipv4", "ipv6", "anchor_ipv4"):
        value = entry.get(family)
        if isinstance(value, dict):
            yield family, value


def _digitalocean_addresses(entry: dict[str, Any]) -> Iterator[tuple[InterfaceAddress, tuple[Route, ...]]]:
    for family, value in _families(entry):
        mask = parts.text(value, "cidr" if family == "ipv6" else "netmask")
        address = parts.interface_address(parts.text(value, "ip_address"), mask)
        gateway = parts.text(value, "gateway")
        own = Route(address.network, parts.address(gateway))
        is_default = parts.text(entry, "type") == "public" and family != "anchor_ipv4"
        yield address, (own, parts.default_route(gateway)) if is_default else (own,)


def openstack(document: Any) -> Network:
    """The links and networks of `network_data.json`. Raises FetchFailed."""
    servers = [parts.text(one, "address") for one in parts.entries(document, "services") if one.get("type") == "dns"]
    links = list(parts.entries(document, "links"))
    interfaces = []
    for link in links:
        networks = [one for one in parts.entries(document, "networks") if one.get("link") == link.get("id")]
        if networks:
            own = [server for one in networks for server in parts.texts(one, "dns_nameservers")]
            interfaces.append(
                Interface(
                    name=parts.name(link, "name"),
                    mac=parts.mac(link, "ethernet_mac_address"),
                    mtu=parts.mtu(link, "mtu"),
                    priority=PRIORITY,
                    dhcp=_dhcp(parts.text(one, "type") for one in networks),
                    name_servers=tuple(map(parts.address, dict.fromkeys([*own, *servers]))),
                    addresses=tuple(
                        parts.interface_address(parts.text(one, "ip_address"), parts.text(one, "netmask"))
                        for one in networks
                        if parts.text(one, "type") in {"ipv4", "ipv6"} and one.get("ip_address")
                    ),
                    routes=tuple(_route(route) for one in networks for route in parts.entries(one, "routes")),
                )
            )
    kinds = [(parts.text(link, "type"), parts.text(link, "name") or parts.text(link, "id")) for link in links]
    return Network(
        tuple(sorted(interfaces, key=lambda one: (not one.name, one.name))),
        left_out=tuple(f"{kind} {name}" for kind, name in kinds if kind in MADE_LINKS),
    )


def _route(entry: dict[str, Any]) -> Route:
    given = parts.text(entry, "destination")
    network = parts.destination(given) if given else _masked(entry)
    return Route(network, parts.address(parts.text(entry, "gateway")))


def _masked(entry: dict[str, Any]) -> Any:
    mask = parts.text(entry, "netmask")
    return parts.destination(parts.text(entry, "network"), "0" if mask == "::" else mask)


def cloud_init(document: Any) -> Network:
    """A network config of cloud-init, version 1 or 2. Raises FetchFailed."""
    if isinstance(document, dict) and isinstance(document.get("network"), dict):
        document = document["network"]
    if isinstance(document, dict) and not isinstance(document.get("config"), list):
        sections = ((kind, document.get(kind)) for kind in MADE_SECTIONS)
        made = (
            f"{kind.removesuffix('s')} {name}" for kind, named in sections if isinstance(named, dict) for name in named
        )
        return Network(tuple(_second(document)), left_out=tuple(made))
    entries = ((parts.text(one, "type"), parts.text(one, "name")) for one in parts.entries(document, "config"))
    others = (f"{kind} {name}".strip() for kind, name in entries if kind not in READ_TYPES)
    return Network(tuple(_first(document)), left_out=tuple(others))


def _first(document: Any) -> Iterator[Interface]:
    servers = [
        server
        for entry in parts.entries(document, "config")
        if entry.get("type") == "nameserver"
        for server in ([entry["address"]] if isinstance(entry.get("address"), str) else parts.texts(entry, "address"))
    ]
    for entry in parts.entries(document, "config"):
        if entry.get("type") == "physical":
            subnets = list(parts.entries(entry, "subnets"))
            own = [server for subnet in subnets for server in parts.texts(subnet, "dns_nameservers")]
            yield Interface(
                name=parts.name(entry, "name"),
                mac=parts.mac(entry, "mac_address"),
                mtu=parts.mtu(entry, "mtu"),
                priority=PRIORITY,
                dhcp=_dhcp(map(_first_type, subnets)),
                name_servers=tuple(map(parts.address, dict.fromkeys([*own, *servers]))),
                addresses=tuple(
                    parts.interface_address(parts.text(subnet, "address"), parts.text(subnet, "netmask"))
                    for subnet in subnets
                    if "static" in _first_type(subnet) and subnet.get("address")
                ),
                routes=tuple(route for subnet in subnets for route in _subnet_routes(subnet)),
            )


def _first_type(subnet: dict[str, Any]) -> str:
    """The type of a subnet; Hetzner marks DHCP for IPv6 by a field of its own."""
    kind = parts.text(subnet, "type")
    return "dhcp6" if kind == "dhcp" and subnet.get("ipv6") is True else kind


def _subnet_routes(subnet: dict[str, Any]) -> list[Route]:
    routes = [_route(route) for route in parts.entries(subnet, "routes")]
    gateway = parts.text(subnet, "gateway")
    return [parts.default_route(gateway)] if gateway and not routes else routes


def _second(document: Any) -> Iterator[Interface]:
    common = list(parts.texts(document.get("nameservers"), "addresses"))
    ethernets = document.get("ethernets")
    # in YAML a name may be a number
    named = {str(key): value for key, value in ethernets.items()} if isinstance(ethernets, dict) else {}
    for key, value in sorted(named.items()):
        matched = value.get("match") if isinstance(value, dict) else None
        own = list(parts.texts(value.get("nameservers"), "addresses")) if isinstance(value, dict) else []
        families = ("dhcp4", "dhcp6")
        gateways = [parts.text(value, key) for key in ("gateway4", "gateway6")]
        routes = [
            Route(parts.destination(_netplan_network(one)), parts.address(parts.text(one, "via")))
            for one in parts.entries(value, "routes")
        ]
        yield Interface(
            name="" if matched and not key.startswith("eth") else parts.name({"name": key}, "name"),
            mac=parts.mac(matched, "macaddress"),
            mtu=parts.mtu(value, "mtu"),
            priority=PRIORITY,
            dhcp=_dhcp(name for name in families if isinstance(value, dict) and value.get(name) is True),
            name_servers=tuple(map(parts.address, dict.fromkeys([*own, *common]))),
            addresses=tuple(map(parts.interface_address, parts.texts(value, "addresses"))),
            routes=tuple(routes or [parts.default_route(gateway) for gateway in gateways if gateway]),
        )


def _netplan_network(route: dict[str, Any]) -> str:
    """The destination of a route; netplan writes `default` for the default route."""
    to = parts.text(route, "to")
    if to != "default":
        return to
    return "::/0" if ":" in parts.text(route, "via") else "0.0.0.0/0"


def _dhcp(types: Iterator[str]) -> str:
    families = {DHCP[kind] for kind in types if kind in DHCP}
    return "yes" if len(families) > 1 else next(iter(families), "")
