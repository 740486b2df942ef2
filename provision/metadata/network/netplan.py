"""Networks as a configuration of netplan, in JSON, which is YAML. Source: netplan-yaml(5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from provision.metadata.network.interfaces import Interface, Network


def configuration(network: Network) -> str:
    """The text of a file for /etc/netplan: every interface that has a name."""
    ethernets = {one.name: _ethernet(one) for one in network.interfaces if one.name}
    return text_of({"version": 2, "ethernets": ethernets})


def text_of(network: Mapping[str, Any]) -> str:
    """The text of a file for /etc/netplan with this value of `network`."""
    return json.dumps({"network": network}, indent=2, default=str) + "\n"


def _ethernet(one: Interface) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "match": {"macaddress": one.mac} if one.mac else {},
        "mtu": one.mtu,
        "dhcp4": one.dhcp in {"ipv4", "yes"},
        "dhcp6": one.dhcp in {"ipv6", "yes"},
        "addresses": [str(address) for address in one.addresses],
        "nameservers": {"addresses": [str(server) for server in one.name_servers]} if one.name_servers else {},
        "routes": [{"to": str(route.destination), "via": str(route.gateway)} for route in one.routes],
    }
    return {key: value for key, value in settings.items() if value}
