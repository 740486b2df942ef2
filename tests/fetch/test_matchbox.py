"""One kernel command line for all machines, with a server of matchbox's HTTP contract.

Source: docs/matchbox.md and docs/api-http.md of poseidon/matchbox: groups with selectors, profiles whose configs are
templates, and metadata. A group fits if all its selectors do; the one with the most selectors counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from provision.failures import FetchFailed
from provision.fetch.find_config import find_config
from provision.fetch.settings import FetchSettings
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.machine_files import machine_of_files
from tests.fetch.platforms import paths
from tests.fetch.server import Answer, Asked, serve

URL = "/ignition?uuid=${uuid}&mac=${mac-hyp}&serial=${serial}"


class Group(NamedTuple):
    """A group of machines: the profile that they get, the labels that they have, and values for the profile."""

    profile: str
    selector: Mapping[str, str] = {}
    metadata: Mapping[str, str] = {}


PROFILES = {
    "etcd": '{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/etc/{{.etcd_name}}"}]}}',
    "proxy": '{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/mac/{{.request.query.mac}}"}]}}',
}
GROUPS = (
    Group("proxy"),
    Group("etcd", {"mac": "52:54:00:89:d8:10"}, {"etcd_name": "node1"}),
    Group("etcd", {"mac": "52:54:00:89:d8:10", "serial": "S/N 2"}, {"etcd_name": "node2"}),
)


def matchbox(asked: Asked) -> Answer:
    """The answer of the server."""
    url = urlsplit(asked.path)
    labels = dict(parse_qsl(url.query))
    if re.fullmatch(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}", labels.get("mac", "")):
        labels["mac"] = labels["mac"].replace("-", ":").lower()
    else:
        labels.pop("mac", None)
    fitting = [group for group in GROUPS if group.selector.items() <= labels.items()]
    if url.path != "/ignition" or not fitting:
        return Answer(b"404 page not found\n", 404)
    group = max(fitting, key=lambda group: len(group.selector))
    values = {**group.metadata, **{f"request.query.{name}": value for name, value in labels.items()}}
    return Answer(re.sub(r"\{\{\.([\w.]+)\}\}", lambda found: values[found[1]], PROFILES[group.profile]).encode())


def machine(root: Path, url: str, mac: str, serial: str) -> LocalSystem:
    files = {
        "/proc/cmdline": f"quiet ignition.config.url={url}",
        "/sys/class/dmi/id/product_uuid": "16E7D8A7-BFA9-428B-9117-363341BB330B\n",
        "/sys/class/dmi/id/product_serial": f"{serial}\n",
        "/sys/class/net/eno1/address": f"{mac}\n",
        "/sys/class/net/eno1/carrier": "1\n",
        "/sys/class/net/eno1/ifindex": "2\n",
        "/sys/class/net/eno1/device/vendor": "",
    }
    return machine_of_files(root, files)


@pytest.mark.parametrize(
    ("mac", "serial", "expected"),
    [
        ("52:54:00:89:d8:10", "S/N 1", "/etc/node1"),
        ("52:54:00:89:d8:10", "S/N 2", "/etc/node2"),
        ("52:54:00:89:d8:11", "S/N 2", "/mac/52:54:00:89:d8:11"),
    ],
)
def test_each_machine_gets_the_config_of_its_group(tmp_path: Path, mac: str, serial: str, expected: str) -> None:
    with serve(matchbox) as served:
        found = find_config("metal", machine(tmp_path, served.url + URL, mac, serial), FetchSettings(http_total=5.0))
    assert paths(found) == [expected]
    query = dict(parse_qsl(urlsplit(served.asked[0].path).query))
    assert query == {"uuid": "16e7d8a7-bfa9-428b-9117-363341bb330b", "mac": mac.replace(":", "-"), "serial": serial}


def test_a_machine_without_a_value_is_told_before_anybody_is_asked(tmp_path: Path) -> None:
    with serve(matchbox) as served:
        system = machine(tmp_path, served.url + URL, "52:54:00:89:d8:10", "")
        with pytest.raises(FetchFailed, match=r"this machine has no value for \$\{serial\}"):
            find_config("metal", system, FetchSettings(http_total=5.0))
    assert served.asked == []
