"""The networks that files of a config drive describe, and attributes that are taken from a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.failures import FetchFailed
from provision.metadata.answers import Answers, parse_document
from provision.metadata.network import documents
from provision.metadata.network.interfaces import Network


def network_data(answers: Answers) -> Network:
    """The network in OpenStack's file. Raises FetchFailed."""
    return documents.openstack(answers.document("network_data.json"))


def network_config(answers: Answers) -> Network:
    """The network in cloud-init's file. Raises FetchFailed."""
    return documents.cloud_init(answers.document("network-config"))


def first_addresses(network: Network) -> dict[str, str]:
    """The first address of each family on the first interface that has any."""
    addresses = next((one.addresses for one in network.interfaces if one.addresses), ())
    return {f"IPV{address.version}": str(address.ip) for address in reversed(addresses)}


def public_ipv6(answers: Answers) -> dict[str, str]:
    """Hetzner's PUBLIC_IPV6: the IPv6 address of the first interface. Raises FetchFailed."""
    document = answers.document("")
    network = documents.cloud_init(document.get("network-config")) if isinstance(document, dict) else Network()
    found = [address for one in network.interfaces for address in one.addresses if address.version == 6]
    return {"PUBLIC_IPV6": str(found[0].ip)} if found else {}


GUESTINFO = "guestinfo.metadata"


def guestinfo(answers: Answers) -> Mapping[str, Any] | None:
    """The network in VMware's guestinfo, as a document of netplan; None if there is none. Raises FetchFailed.

    Source: "VMware Netplan guestinfo metadata" of Afterburn's documentation.
    """
    from provision.fetch.platforms.hypervisors.vmware import decoded
    from provision.fetch.user_data.compression import decompressed

    data = answers.text(GUESTINFO)
    if not data:
        return None
    raw = decompressed(decoded(data, answers.text(f"{GUESTINFO}.encoding") or "", GUESTINFO), GUESTINFO)
    document = parse_document(raw, GUESTINFO)
    network = document.get("network") if isinstance(document, dict) else None
    if not isinstance(network, dict):
        raise FetchFailed(GUESTINFO, "has no mapping `network`")
    return network
