"""Networks as connection profiles of NetworkManager. Source: nm-settings-keyfile(5), and Afterburn's choice of keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.metadata.network.interfaces import Bond, Interface, Network

BOND_OPTIONS = {
    "TransmitHashPolicy": "xmit_hash_policy",
    "MIIMonitorSec": "miimon",
    "UpDelaySec": "updelay",
    "DownDelaySec": "downdelay",
    "Mode": "mode",
    "LACPTransmitRate": "lacp_rate",
}
"""Setting of systemd.netdev(5) -> option of a bond in NetworkManager, whose times are milliseconds."""


def profiles(network: Network) -> Iterator[tuple[str, str]]:
    """The name and text of each profile. The profile of a bond has the addresses of its interface."""
    bonds = {bond.name: bond for bond in network.bonds}
    for one in network.interfaces:
        bond = bonds.get(one.name)
        if not one.unmanaged:
            text = _bond(bond, one) if bond else _ethernet(one)
            yield f"{one.name or one.mac}.nmconnection", text


def _ethernet(one: Interface) -> str:
    name = one.name or one.mac
    member = [("master", one.bond), ("slave-type", "bond")] if one.bond else []
    connection = [
        *(("id", name), ("type", "ethernet"), ("interface-name", "" if one.mac else one.name)),
        *(("autoconnect", "true"), ("autoconnect-priority", str(999 - one.priority)), *member),
    ]
    ethernet = [("mac-address", one.mac), ("mtu", str(one.mtu or ""))]
    sections = [("connection", connection), *([("ethernet", ethernet)] if one.mac or one.mtu else [])]
    return _text([*sections, *_families(one)])


def _bond(bond: Bond, one: Interface) -> str:
    connection = [("id", bond.name), ("type", "bond"), ("interface-name", bond.name), ("autoconnect", "true")]
    connection.append(("autoconnect-priority", str(999 - one.priority)))
    options = [(BOND_OPTIONS[key], _milliseconds(key, value)) for key, value in bond.settings]
    return _text(
        [
            ("connection", connection),
            ("bond", options),
            ("ethernet", [("cloned-mac-address", bond.mac)]),
            *_families(one),
        ]
    )


def _milliseconds(key: str, value: str) -> str:
    return str(round(float(value) * 1000)) if key.endswith("Sec") else value


def _families(one: Interface) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The sections ipv4 and ipv6."""
    for version, name in ((4, "ipv4"), (6, "ipv6")):
        servers = "".join(f"{server};" for server in one.name_servers if server.version == version)
        yield name, [*_method(one, version, one.dhcp in {name, "yes"}), ("dns", servers)]


def _method(one: Interface, version: int, has_dhcp: bool) -> Iterator[tuple[str, str]]:
    addresses = [str(address) for address in one.addresses if address.version == version]
    yield "method", "auto" if has_dhcp else "manual" if addresses else "disabled"
    if not addresses or has_dhcp:
        return
    yield from ((f"address{number}", address) for number, address in enumerate(addresses, 1))
    routes = [route for route in one.routes if route.destination.version == version]
    yield "gateway", next((str(route.gateway) for route in routes if not route.destination.prefixlen), "")
    others = [route for route in routes if route.destination.prefixlen]
    yield from ((f"route{number}", f"{route.destination},{route.gateway},0") for number, route in enumerate(others, 1))


def _text(sections: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> str:
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in settings if value) for name, settings in sections
    )
