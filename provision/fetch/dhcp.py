"""CloudStack's way: the DHCP server is the virtual router, and it serves the user data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.failures import FetchFailed, NeedsNetwork
from provision.fetch.ground import Ground
from provision.fetch.patience import Deadline, Vigil
from provision.fetch.sources import LOOK_EVERY, Http, Site

LEASES = (
    ("/run/systemd/netif/leases", "SERVER_ADDRESS="),
    ("/run/NetworkManager/devices", "dhcp_server_identifier="),
    ("/run/NetworkManager", "SERVER_ADDRESS="),
    ("/var/lib/NetworkManager", "SERVER_ADDRESS="),
    ("/var/lib/dhclient", "option dhcp-server-identifier "),
    ("/var/lib/dhcp", "option dhcp-server-identifier "),
)
"""Where DHCP clients keep their leases, and what stands before the server's address in them."""


class DhcpServer(NamedTuple):
    """User data served by the DHCP server."""

    path: str
    offline: bool = False

    def fetch(self, site: Site) -> bytes | None:
        """Wait for a lease, and ask its server."""
        if site.settings.offline:
            raise NeedsNetwork(f"http://DHCP-SERVER{self.path}")
        patience = Deadline(site.settings.network_wait)
        with Vigil("the address of the DHCP server", patience, site.log, site.stop) as vigil:
            vigil.explain("there is no lease", "check the DHCP server", patience)
            while patience.left() and not site.stop.is_set():
                server = next(servers(site.ground), None)
                if server:
                    return Http(f"http://{server}", self.path).fetch(site)
                site.stop.wait(LOOK_EVERY)
        raise FetchFailed("DHCP", "there is no lease that names its server")

    def describe(self) -> str:
        """The URL."""
        return f"`http://DHCP-SERVER{self.path}`"


def servers(ground: Ground) -> Iterator[str]:
    """The DHCP servers of all leases that are found."""
    for directory, mark in LEASES:
        for name in ground.names(directory):
            if name.isdecimal() or name.endswith((".lease", ".leases")):
                lines = (line.strip() for line in ground.read_text(f"{directory}/{name}").splitlines())
                yield from (line.removeprefix(mark).rstrip(";") for line in lines if line.startswith(mark))
