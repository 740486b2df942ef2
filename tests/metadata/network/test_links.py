"""What each link of a machine gets from documents of platforms."""

from __future__ import annotations

from typing import Any

import pytest

from provision.metadata.network.documents import cloud_init, openstack
from provision.metadata.network.interfaces import Network
from provision.metadata.network.links import AssignedNetwork, assigned

MACS = {"ens3": "52:54:00:12:34:56", "ens4": "52:54:00:12:34:57"}


def ethernets(**interfaces: Any) -> AssignedNetwork:
    """The links of a document of cloud-init's version 2."""
    return assigned(cloud_init({"version": 2, "ethernets": interfaces}), MACS)


def matched(mac: str, **settings: Any) -> dict[str, Any]:
    return {"match": {"macaddress": mac}, **settings}


def shown(found: AssignedNetwork) -> dict[str, list[str]]:
    """What each link gets, as text."""
    return {
        one.name: [
            *map(str, one.addresses),
            *(f"{route.destination} {route.gateway}" for route in one.routes),
            *(["dhcp"] if one.asks_dhcp else []),
        ]
        for one in found.links
    }


def test_addresses_and_routes_of_both_families_go_to_the_link_of_a_mac_address() -> None:
    addresses = ["10.0.2.77/24", "10.0.9.1/32", "fd00::7/64"]
    found = ethernets(nic0=matched(MACS["ens4"].upper(), addresses=addresses, gateway4="10.0.2.2", gateway6="fe80::2"))
    assert shown(found) == {"ens4": [*addresses, "0.0.0.0/0 10.0.2.2", "::/0 fe80::2"]}
    assert (found.left_out, found.is_usable) == ((), True)


def test_a_mac_address_counts_more_than_a_name() -> None:
    """Proxmox VE calls the first interface eth0, whatever its name is on the machine."""
    entry = {"type": "physical", "name": "eth0", "mac_address": "52:54:00:12:34:57", "subnets": [{"type": "dhcp4"}]}
    found = assigned(cloud_init({"version": 1, "config": [entry]}), {**MACS, "eth0": "52:54:00:12:34:58"})
    assert shown(found) == {"ens4": ["dhcp"]}


def test_without_a_mac_address_the_name_counts() -> None:
    openstack_link = {"links": [{"id": "a", "name": "ens3"}], "networks": [{"link": "a", "type": "ipv4_dhcp"}]}
    assert shown(assigned(openstack(openstack_link), MACS)) == {"ens3": ["dhcp"]}


@pytest.mark.parametrize(("addresses", "mtu"), [(["10.0.0.5/24"], 1000), (["10.0.0.5/24", "fd00::5/64"], 1280)])
def test_an_mtu_leaves_a_link_its_ipv6_address(addresses: list[str], mtu: int) -> None:
    found = ethernets(a=matched(MACS["ens3"], addresses=addresses, mtu=1000))
    assert [one.mtu for one in found.links] == [mtu]


def test_dhcp_leaves_other_addresses_of_its_family_out() -> None:
    found = ethernets(a=matched(MACS["ens3"], dhcp4=True, addresses=["10.1.0.1/24", "fd00::1/64"], gateway4="10.1.0.9"))
    assert shown(found) == {"ens3": ["fd00::1/64", "dhcp"]}
    assert found.left_out == ("10.1.0.1/24 on ens3, which uses DHCP",)


def test_dhcp_for_ipv6_is_left_out() -> None:
    found = ethernets(a=matched(MACS["ens3"], dhcp6=True))
    assert (shown(found), found.left_out) == ({"ens3": []}, ("DHCP for IPv6 on ens3",))
    assert not found.is_usable


@pytest.mark.parametrize(
    ("document", "left_out"),
    [
        ({"ethernets": {"a": matched("52:54:00:00:00:00")}}, "52:54:00:00:00:00, which this machine lacks"),
        ({"ethernets": {"eth7": {"dhcp4": True}}}, "eth7, which this machine lacks"),
        ({"ethernets": {"a": {"match": {"name": "en*"}}}}, "an interface without a name or a MAC address"),
        ({"bonds": {"bond0": {"interfaces": ["a"]}}}, "bond bond0"),
        ({"ethernets": {}, "vlans": {"v7": {"id": 7, "link": "a"}}}, "vlan v7"),
        ({"config": [{"type": "bond", "name": "bond0", "bond_interfaces": ["eth0"]}]}, "bond bond0"),
        ({"config": [{"type": "route", "destination": "10.0.0.0/8", "gateway": "10.1.0.1"}]}, "route"),
    ],
)
def test_what_no_link_gets_is_named(document: dict[str, Any], left_out: str) -> None:
    found = assigned(cloud_init({"version": 2, **document}), MACS)
    assert (found.links, found.left_out, found.is_usable) == ((), (left_out,), False)


def test_bonds_and_vlans_of_openstack_are_named() -> None:
    links = [{"id": "b", "type": "bond"}, {"id": "v", "type": "vlan", "vlan_id": 7}, {"id": "p", "type": "phy"}]
    assert assigned(openstack({"links": links}), MACS).left_out == ("bond b", "vlan v")


def test_no_description_leaves_nothing_out() -> None:
    assert assigned(Network(), MACS) == AssignedNetwork((), ())
