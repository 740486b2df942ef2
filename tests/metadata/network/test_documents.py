"""The documents of platforms as networks, and networks in all their forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.failures import FetchFailed
from provision.metadata.answers import Answers
from provision.metadata.network import documents, dracut, netplan, network_manager, networkd, packet
from provision.metadata.network.interfaces import Network

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))


def network_of(name: str) -> tuple[Network, dict[str, Any]]:
    """The network of a case, and its expectations: a YAML file with a document and the forms that it has."""
    case: dict[str, Any] = yaml.safe_load((CASES / f"{name}.yaml").read_text())
    document = case["document"]
    if case["form"] == "packet":
        answers = Answers("", lambda _path: json.dumps({"network": document}).encode(), lambda _request: b"")
        return packet.network(answers), case
    return getattr(documents, case["form"])(document), case


@pytest.mark.parametrize("name", NAMES)
def test_every_form_is_that_of_the_case(name: str) -> None:
    network, case = network_of(name)
    assert dict(networkd.units(network)) == case["networkd"]
    assert dict(network_manager.profiles(network)) == case["network_manager"]
    assert json.loads(netplan.configuration(network)) == case["netplan"]
    assert dracut.kernel_arguments(network) == case["kernel_arguments"]
    assert dracut.without_names(network) == case.get("without_names", dracut.without_names(network))


@pytest.mark.parametrize("mtu", [67, 65536, "1500\n[X]", "15OO", True, None])
def test_an_mtu_that_no_link_can_have_does_not_cost_the_address(mtu: Any) -> None:
    described = {"version": 2, "ethernets": {"eth0": {"addresses": ["10.0.0.5/24"], "mtu": mtu}}}
    [unit] = dict(networkd.units(documents.cloud_init(described))).values()
    assert unit == "[Match]\nName=eth0\n\n[Network]\n\n[Address]\nAddress=10.0.0.5/24\n"


def test_in_an_initramfs_a_mac_address_alone_tells_the_interface() -> None:
    mac = "bc:24:11:00:00:01"
    described = [{"type": "physical", "name": "eth0", "mac_address": mac}, {"type": "physical", "name": "eth1"}]
    units = dict(networkd.units(documents.cloud_init({"version": 1, "config": described}).matched_by_mac()))
    assert units[f"20-{mac}.network"].startswith(f"[Match]\nMACAddress={mac}\n\n")
    assert units["20-eth1.network"].startswith("[Match]\nName=eth1\n\n")


@pytest.mark.parametrize(
    "document",
    [
        {"config": [{"type": "physical", "name": "../../etc/x"}]},
        {"config": [{"type": "physical", "name": "eth0", "mac_address": "00:11\nDHCP=yes"}]},
        {"config": [{"type": "physical", "name": "e", "subnets": [{"type": "static", "address": "1.2.3.4\n[X]"}]}]},
        {"ethernets": {"a/b": {"dhcp4": True}}},
    ],
)
def test_a_document_cannot_leave_its_place(document: dict[str, Any]) -> None:
    with pytest.raises(FetchFailed, match="is not"):
        documents.cloud_init(document)


@pytest.mark.parametrize(
    "document", [None, [], 1, "x", {"config": 1}, {"links": [1], "networks": {}}, {"ethernets": 2}]
)
def test_an_odd_document_is_no_network(document: Any) -> None:
    assert documents.cloud_init(document) == documents.openstack(document) == Network()


def test_a_name_in_yaml_may_be_a_number() -> None:
    network = documents.cloud_init({"ethernets": {"eth0": {"dhcp4": True}, 7: {"dhcp4": True}}})
    assert [one.name for one in network.interfaces] == ["7", "eth0"]


def test_a_network_of_no_known_type_has_no_address() -> None:
    networks = [{"link": "a", "type": ["ipv4"], "ip_address": "10.0.0.1", "netmask": "24"}]
    [interface] = documents.openstack({"links": [{"id": "a", "name": "eth0"}], "networks": networks}).interfaces
    assert interface.addresses == ()
