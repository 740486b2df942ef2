"""Networks as units of systemd-networkd, with Afterburn's file names. Source: systemd.network(5), systemd.netdev(5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.metadata.network.interfaces import Interface, Network


def units(network: Network) -> Iterator[tuple[str, str]]:
    """The name and text of each unit."""
    for one in network.interfaces:
        yield f"{one.priority:02}-{one.name or one.mac or one.path}.network", "\n".join(_network_unit(one))
    for bond in network.bonds:
        head = f"[NetDev]\nName={bond.name}\nKind=bond\nMACAddress={bond.mac}\n\n[Bond]\n"
        yield f"05-{bond.name}.netdev", head + "".join(f"{key}={value}\n" for key, value in bond.settings)


def _network_unit(one: Interface) -> Iterator[str]:
    yield _section("Match", [("Name", one.name), ("MACAddress", one.mac), ("Path", one.path)])
    servers = [("DNS", str(server)) for server in one.name_servers]
    yield _section("Network", [("DHCP", one.dhcp), *servers, ("Bond", one.bond)])
    link = [
        ("MTUBytes", str(one.mtu or "")),
        ("Unmanaged", "yes" if one.unmanaged else ""),
        ("RequiredForOnline", one.required_for_online),
    ]
    if any(value for _, value in link):
        yield _section("Link", link)
    for address in one.addresses:
        yield _section("Address", [("Address", str(address))])
    for route in one.routes:
        yield _section("Route", [("Destination", str(route.destination)), ("Gateway", str(route.gateway))])


def _section(name: str, settings: Sequence[tuple[str, str]]) -> str:
    return f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in settings if value)
