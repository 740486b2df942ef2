"""Services whose address comes from the link: the DHCP server's address, and an IPv6 link-local address."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.failures import FetchFailed, NeedsNetwork
from provision.fetch.find_config import FoundConfig, find_config
from provision.fetch.platforms.metadata_services import servers
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.namespace import in_namespace, ip, needs_root
from tests.fetch.server import Answer, serve
from tests.recorded_log import RecordedLog

CONFIG = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-the-link"}]}}'
SETTINGS = FetchSettings(http_total=3, network_wait=3, grace=1)

LEASES = {
    "/run/systemd/netif/leases/2": "# This is private data.\nADDRESS=10.9.0.2\nSERVER_ADDRESS=10.9.0.1\n",
    "/run/NetworkManager/devices/2": "[device]\nmanaged=true\n\n[dhcp4]\ndhcp_server_identifier=10.9.0.1\n",
    "/var/lib/NetworkManager/internal-1f-eth0.lease": "ADDRESS=10.9.0.2\nSERVER_ADDRESS=10.9.0.1\n",
    "/var/lib/dhclient/dhclient--eth0.lease": "lease {\n  option dhcp-server-identifier 10.9.0.1;\n}\n",
}

pytestmark = [pytest.mark.disks, needs_root]


def write(root: Path, path: str, text: str) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def running_system(root: Path) -> LocalSystem:
    return LocalSystem(SystemPaths(), str(root))


@pytest.mark.parametrize("lease", LEASES)
def test_cloudstack_asks_the_dhcp_server_of_any_client(root: Path, log: RecordedLog, lease: str) -> None:
    write(root, lease, LEASES[lease])

    def body() -> FoundConfig:
        with serve({"/latest/user-data": Answer(CONFIG)}, "10.9.0.1", 80):
            return find_config("cloudstack", running_system(root), SETTINGS, log)

    acquired = in_namespace(body, "10.9.0.1/32")
    assert [file.path for file in acquired.config.storage.files] == ["/from-the-link"]


def test_cloudstack_without_a_lease_says_so(root: Path, log: RecordedLog) -> None:
    with pytest.raises(FetchFailed, match="no lease that names its server"):
        in_namespace(lambda: find_config("cloudstack", running_system(root), SETTINGS._replace(network_wait=0.5), log))
    assert list(servers(running_system(root))) == []


@pytest.mark.parametrize("platform", ["cloudstack", "openstack"])
def test_offline_the_network_is_asked_for(root: Path, platform: str) -> None:
    with pytest.raises(NeedsNetwork):
        find_config(platform, running_system(root), FetchSettings(offline=True))


def test_openstack_with_nothing_but_link_local_addresses(root: Path, log: RecordedLog) -> None:
    def body() -> FoundConfig:
        ip("link", "add", "eth0", "type", "veth", "peer", "name", "far")
        ip("link", "set", "eth0", "up")
        ip("link", "set", "far", "up")
        ip("address", "add", "fe80::a9fe:a9fe/64", "dev", "eth0", "nodad")
        with serve({"/openstack/latest/user_data": Answer(CONFIG)}, "::", 80):
            # an attempt before the kernel has the address's local route fails after 3 s; the next one succeeds
            return find_config("openstack", running_system(root), SETTINGS._replace(http_total=15), log)

    acquired = in_namespace(body)
    assert [file.path for file in acquired.config.storage.files] == ["/from-the-link"]
