"""One kernel command line for all machines: a server of matchbox's HTTP contract, and matchbox itself if it is on PATH.

Source: docs/matchbox.md and docs/api-http.md of poseidon/matchbox: groups with selectors, profiles whose configs are
templates, and metadata. A group fits if all its selectors do; the one with the most selectors counts.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

MATCHBOX = shutil.which("matchbox")
LABELS = "?uuid=${uuid}&mac=${mac-hyp}&serial=${serial}"
START_SECONDS = 60.0


class Group(NamedTuple):
    """A group of machines: the profile that they get, the labels that they have, and values for the profile."""

    profile: str
    selector: Mapping[str, str] = {}
    metadata: Mapping[str, str] = {}


PATHS = {"etcd": "/etc/{{.etcd_name}}", "proxy": "/mac/{{.request.query.mac}}"}
"""Profile -> the template of the only path in its config."""

JSON = '{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "%s"}]}}'
YAML = "variant: fcos\nversion: 1.1.0\nstorage:\n  files:\n    - path: %s\n      filesystem: root\n"
"""A config for Butane, which matchbox has since 0.10, and for ct, which it had before: each ignores other keys."""

GROUPS = (
    Group("proxy"),
    Group("etcd", {"mac": "52:54:00:89:d8:10"}, {"etcd_name": "node1"}),
    Group("etcd", {"mac": "52:54:00:89:d8:10", "serial": "S/N 2"}, {"etcd_name": "node2"}),
)


def contract(asked: Asked) -> Answer:
    """The answer of a server that keeps matchbox's contract."""
    url = urlsplit(asked.path)
    labels = dict(parse_qsl(url.query))
    if re.fullmatch(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}", labels.get("mac", "")):
        labels["mac"] = labels["mac"].replace("-", ":").lower()
    else:
        labels.pop("mac", None)
    fitting = [group for group in GROUPS if group.selector.items() <= labels.items()]
    if url.path not in {"/ignition", "/generic"} or not fitting:
        return Answer(b"404 page not found\n", 404)
    group = max(fitting, key=lambda group: len(group.selector))
    values = {**group.metadata, **{f"request.query.{name}": value for name, value in labels.items()}}
    path = re.sub(r"\{\{\.([\w.]+)\}\}", lambda found: values[found[1]], PATHS[group.profile])
    return Answer((JSON % path).encode())


def write_data(folder: Path) -> None:
    """Write what the contract says as files of a real matchbox."""
    for name in ("groups", "profiles", "ignition", "generic"):
        (folder / name).mkdir(parents=True)
    for number, group in enumerate(GROUPS):
        text = {"id": str(number), "profile": group.profile, "selector": group.selector, "metadata": group.metadata}
        (folder / f"groups/{number}.json").write_text(json.dumps(text))
    for name, path in PATHS.items():
        profile = {"id": name, "ignition_id": f"{name}.yaml", "generic_id": f"{name}.json"}
        (folder / f"profiles/{name}.json").write_text(json.dumps(profile))
        (folder / f"ignition/{name}.yaml").write_text(YAML % path)
        (folder / f"generic/{name}.json").write_text(JSON % path)


@contextmanager
def real_matchbox(folder: Path) -> Iterator[str]:
    """The URL of a matchbox that has the groups and profiles."""
    write_data(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    argv = [str(MATCHBOX), "-address", address, "-data-path", str(folder), "-assets-path", ""]
    with (folder / "log").open("w") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            wait_for(address, folder / "log")
            yield f"http://{address}"
        finally:
            process.kill()


def wait_for(address: str, log: Path) -> None:
    host, _, port = address.partition(":")
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return socket.create_connection((host, int(port))).close()
        except ConnectionRefusedError:
            assert time.monotonic() < end, log.read_text()


real = pytest.param(
    "matchbox",
    marks=[pytest.mark.peer, pytest.mark.skipif(not MATCHBOX, reason="matchbox is not on PATH")],
)


@pytest.fixture(params=["contract", real])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a server that has the groups and profiles."""
    if request.param == "matchbox":
        with real_matchbox(tmp_path / "matchbox") as url:
            yield url
    else:
        with serve(contract) as served:
            yield served.url


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


@pytest.mark.parametrize("endpoint", ["/ignition", "/generic"])
@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("52:54:00:89:d8:10", "S/N 1"), "/etc/node1"),
        (("52:54:00:89:d8:10", "S/N 2"), "/etc/node2"),
        (("52:54:00:89:d8:11", "S/N 2"), "/mac/52:54:00:89:d8:11"),
    ],
)
def test_each_machine_gets_the_config_of_its_group(
    tmp_path: Path, server: str, endpoint: str, labels: tuple[str, str], expected: str
) -> None:
    system = machine(tmp_path / "machine", server + endpoint + LABELS, *labels)
    assert paths(find_config("metal", system, FetchSettings(http_total=30.0))) == [expected]


def test_the_machine_says_who_it_is(tmp_path: Path) -> None:
    with serve(contract) as served:
        system = machine(tmp_path, f"{served.url}/ignition{LABELS}", "52:54:00:89:d8:10", "S/N 1")
        find_config("metal", system, FetchSettings(http_total=30.0))
    query = dict(parse_qsl(urlsplit(served.asked[0].path).query))
    assert query == {"uuid": "16e7d8a7-bfa9-428b-9117-363341bb330b", "mac": "52-54-00-89-d8-10", "serial": "S/N 1"}


def test_a_machine_without_a_value_is_told_before_anybody_is_asked(tmp_path: Path) -> None:
    with serve(contract) as served:
        system = machine(tmp_path, f"{served.url}/ignition{LABELS}", "52:54:00:89:d8:10", "")
        with pytest.raises(FetchFailed, match=r"this machine has no value for \$\{serial\}"):
            find_config("metal", system, FetchSettings(http_total=5.0))
    assert served.asked == []
