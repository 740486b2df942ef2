"""Files that close the metadata service of a platform to all users but root, from the first start of the system on.

A config may hold secrets. As long as the machine exists, every process and every container can read it from the
metadata service. A unit in the installed system prevents this with rules of the kernel's routing policy (ip-rule(8)),
which need neither a firewall nor a daemon.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from provision.config.format import File, Link, Resource, Storage
from provision.config.resources.data_urls import base64_encoded
from provision.fetch.platforms.metadata_services import Http, LinkLocal
from provision.fetch.platforms.sources import FirstOf, Source, Together

UNIT = "provision-metadata-lock.service"
UNIT_FOLDER = "/etc/systemd/system"

FIRST_RULE = 90
"""Priority of the first rule: after the table of local addresses (0), before the main table (32766)."""


def metadata_lock(source: Source) -> Storage | None:
    """The files that close the metadata services of a source; None if it has none with a known address."""
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
    """The IP addresses of the HTTP services of a source."""
    from provision.config.resources.urls import origin
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

    Requests of root on this machine skip the rule that prohibits. Forwarded requests of a container have no user id
    here, so the rule holds for them. systemd-networkd removes foreign rules when it starts: the unit restarts with it.
    """
    rules = [rule for number, address in enumerate(addresses) for rule in _rules(FIRST_RULE + 3 * number, address)]
    starts = "".join(f"ExecStart=ip {family} rule add {rule}\n" for family, rule in rules)
    stops = "".join(f"ExecStop=-ip {family} rule del {rule}\n" for family, rule in rules)
    return f"""\
[Unit]
Description=Close the metadata service to all users but root
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
    """Family and text of each rule. Only HTTP is closed: name and time services may have the same address."""
    family = "-6" if ":" in address else "-4"
    http = f"to {address} ipproto tcp dport 80"
    yield family, f"pref {priority} iif lo uidrange 0-0 {http} goto {priority + 2}"
    yield family, f"pref {priority + 1} {http} prohibit"
    yield family, f"pref {priority + 2} nop"
