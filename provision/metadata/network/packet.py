"""The addresses of an Equinix Metal machine, and its bonds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from provision.failures import FetchFailed
from provision.metadata.answers import Answers
from provision.metadata.network import parts
from provision.metadata.network.interfaces import Address, Bond, Interface, Network, Route

MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
"""The modes of bonds by their numbers (Documentation/networking/bonding.rst of Linux)."""

LACP = 4
PRIVATE = parts.destination("10.0.0.0/8")


def addresses(answers: Answers) -> Mapping[str, str]:
    """`IPV4_PUBLIC_0` and `IPV4_PUBLIC_GATEWAY_0` for instance, for each address, numbered within family and use."""
    found: dict[str, str] = {}
    numbers = Counter[str]()
    for entry in parts.entries(_network(answers), "addresses"):
        address = parts.text(entry, "address")
        if address:
            kind = f"IPV{6 if ':' in address else 4}_{'PUBLIC' if entry.get('public') else 'PRIVATE'}"
            number = numbers[kind]
            numbers[kind] += 1
            found[f"{kind}_{number}"] = address
            found[f"{kind}_GATEWAY_{number}"] = parts.text(entry, "gateway")
    return {name: value for name, value in found.items() if value}


def network(answers: Answers, name_servers: tuple[Address, ...] = ()) -> Network:
    """The bonds and their members. All addresses belong to the first bond. Raises FetchFailed.

    Other PCI interfaces stay unmanaged, so that systemd-networkd-wait-online does not wait for them.
    """
    document = _network(answers)
    members = list(parts.entries(document, "interfaces"))
    macs: dict[str, str] = {}
    for member in members:
        if member.get("bond"):
            macs.setdefault(parts.name(member, "bond"), parts.mac(member, "mac"))
    interfaces = [_member(member) for member in members]
    for number, bond in enumerate(macs):
        one = Interface(name=bond, priority=5, name_servers=name_servers, required_for_online="degraded-carrier")
        interfaces.append(_with_addresses(one, document) if not number else one)
    if macs:
        interfaces.append(Interface(path="pci-*", priority=80, unmanaged=True))
    settings = _settings(document) if macs else ()
    return Network(tuple(interfaces), tuple(Bond(name, mac, settings) for name, mac in macs.items()))


def _network(answers: Answers) -> Any:
    document = answers.document("metadata")
    return document.get("network") if isinstance(document, dict) else None


def _member(member: dict[str, Any]) -> Interface:
    bond = parts.name(member, "bond")
    online = "no" if bond else ""
    return Interface(mac=parts.mac(member, "mac"), bond=bond, unmanaged=not bond, required_for_online=online)


def _with_addresses(bond: Interface, document: Any) -> Interface:
    found, routes = [], []
    for entry in parts.entries(document, "addresses"):
        address = parts.interface_address(parts.text(entry, "address"), parts.text(entry, "netmask"))
        gateway = parts.text(entry, "gateway")
        is_private = address.version == 4 and not entry.get("public")
        found.append(address)
        routes.append(Route(PRIVATE, parts.address(gateway)) if is_private else parts.default_route(gateway))
    return bond._replace(addresses=tuple(found), routes=tuple(routes))


def _settings(document: Any) -> tuple[tuple[str, str], ...]:
    """The section [Bond] of systemd.netdev(5), with the times that Equinix Metal asks for."""
    bonding = document.get("bonding")
    mode = bonding.get("mode") if isinstance(bonding, dict) else None
    if not isinstance(mode, int) or not 0 <= mode < len(MODES):
        raise FetchFailed("network metadata", f"{mode!r} is not the number of a bonding mode")
    times = (("MIIMonitorSec", ".1"), ("UpDelaySec", ".2"), ("DownDelaySec", ".2"))
    settings = (("TransmitHashPolicy", "layer3+4"), *times, ("Mode", MODES[mode]))
    return (*settings, ("LACPTransmitRate", "fast")) if mode == LACP else settings
