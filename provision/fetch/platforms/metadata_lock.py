"""Files that shut the metadata service of a platform for all users but root, from the first start of the system on.

The config of a machine may hold secrets, and stays readable at the metadata service for as long as the machine lives:
for every process, and for containers. A unit in the installed system adds rules to the kernel's routing policy
(ip-rule(8)), which need neither a firewall nor a daemon.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from provision.config.data_urls import base64_encoded
from provision.config.format import File, Link, Resource, Storage
from provision.fetch.platforms.metadata_services import Http, LinkLocal
from provision.fetch.platforms.sources import FirstOf, Source, Together

UNIT = "provision-metadata-lock.service"
UNIT_FOLDER = "/etc/systemd/system"

FIRST_RULE = 90
"""Priority of the first rule: behind the addresses of this machine (0), and before the routes (32766)."""


def metadata_lock(source: Source) -> Storage | None:
    """The files that shut the metadata services of a source; None if it has none with an address that is known."""
    addresses = tuple(dict.fromkeys(metadata_addresses(source)))
    if not addresses:
        return None
    unit = File(
        path=f"{UNIT_FOLDER}/{UNIT}",
        overwrite=True,
        mode=0o644,
        contents=Resource(source=base64_encoded(unit_text(addresses).encode())),
    )
    wanted = Link(path=f"{UNIT_FOLDER}/multi-user.target.wants/{UNIT}", overwrite=True, target=f"{UNIT_FOLDER}/{UNIT}")
    return Storage(files=(unit,), links=(wanted,))


def metadata_addresses(source: Source) -> Iterator[str]:
    """The addresses at which a source is served over HTTP."""
    from provision.config.urls import origin
    from provision.fetch.http import connections

    if isinstance(source, FirstOf | Together):
        yield from chain.from_iterable(metadata_addresses(one) for one in source.sources)
    elif isinstance(source, LinkLocal):
        yield "fe80::a9fe:a9fe"
    elif isinstance(source, Http) and source.connection != "vsock":
        host = origin(source.base).host
        if connections.literal(host, 0):
            yield host


def unit_text(addresses: tuple[str, ...]) -> str:
    """The unit that adds the rules, and removes them when it stops.

    Root's own requests skip the rule that forbids; requests that come from a container have no user here, and meet it.
    systemd-networkd removes rules that it does not know when it starts, so the unit starts anew after it.
    """
    rules = [rule for number, address in enumerate(addresses) for rule in _rules(FIRST_RULE + 3 * number, address)]
    starts = "".join(f"ExecStart=ip {family} rule add {rule}\n" for family, rule in rules)
    stops = "".join(f"ExecStop=-ip {family} rule del {rule}\n" for family, rule in rules)
    return f"""\
[Unit]
Description=Shut the metadata service for all users but root
Documentation=man:provision(1)
DefaultDependencies=no
After=systemd-networkd.service
PartOf=systemd-networkd.service
Before=NetworkManager.service network.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
{starts}{stops}
[Install]
WantedBy=multi-user.target
"""


def _rules(priority: int, address: str) -> Iterator[tuple[str, str]]:
    """Family and text of each rule. Only HTTP is shut: name and time services may have the same address."""
    family = "-6" if ":" in address else "-4"
    http = f"to {address} ipproto tcp dport 80"
    yield family, f"pref {priority} iif lo uidrange 0-0 {http} goto {priority + 2}"
    yield family, f"pref {priority + 1} {http} prohibit"
    yield family, f"pref {priority + 2} nop"
