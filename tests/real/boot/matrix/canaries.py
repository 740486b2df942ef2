"""Secrets of a config: what a boot leaves of them, where it succeeds and where it fails (guarantee S3)."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.fetch.certificates import Authority
from tests.real.boot.equipment import SshLogin
from tests.real.boot.machine import Machine, cpio
from tests.real.boot.server import Server

pytestmark = pytest.mark.boot

SEARCH = """\
import base64, json, os, re, subprocess, sys

def forms(number):
    text = b"canary-%02d-secret" % number
    yield text
    yield text.hex().encode()
    for before in range(3):
        # the characters of base64 that do not depend on what stands before and after it
        encoded = base64.b64encode(bytes(before) + text)
        yield encoded[(before * 8 + 5) // 6:(before + len(text)) * 8 // 6]

known = {form: number for number in range(100) for form in forms(number)}
pattern = re.compile(b"|".join(map(re.escape, known)))
found = {}

def search(name, content):
    numbers = sorted({known[one] for one in pattern.findall(content)})
    if numbers:
        found[name] = numbers

journal = subprocess.run(["journalctl", "--boot", "--all", "--output=export"], stdout=subprocess.PIPE).stdout
search("journal", journal)
for top in sys.argv[1:]:
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    search(path, file.read())
print(json.dumps({"found": found, "lines": journal.count(b"MESSAGE=")}))
"""
"""Prints which canaries are in the journal and in files below folders."""

SEARCHER = """\
[Unit]
After=multi-user.target
Before=probe.service
[Service]
Type=oneshot
ExecStart=sh -c 'python3 /opt/search.py /run /etc /var /root /home /opt /srv /boot /tmp /dev/shm /usr/local >/etc/told'
[Install]
WantedBy=multi-user.target
"""

FAILS = "#!/bin/sh\necho this tool fails >&2\nexit 3\n"


class Canaries:
    """Secrets that a search finds, and the files of the provisioned system in which each of them has to be."""

    def __init__(self) -> None:
        self.wanted: dict[int, list[str]] = {}

    def new(self, *wanted: str) -> str:
        number = len(self.wanted) + 1
        self.wanted[number] = list(wanted)
        return f"canary-{number:02}-secret"


def config_with(canaries: Canaries, server: Server, ca: Authority) -> dict[str, Any]:
    """A config with 25 secrets: keys, passwords, contents, queries and headers of URLs, and a name that is unknown."""
    files = [{"path": "/etc/child", "contents": data(canaries.new("/etc/child"))}]
    child = json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": files}})
    return {
        "ignition": {
            "version": "3.4.0",
            "config": {"merge": [fetched(canaries, server, "child", child.encode())]},
            "security": {
                "tls": {"certificateAuthorities": [fetched(canaries, server, "authority", ca.certificate)]},
            },
            "proxy": {"httpProxy": f"http://core:{canaries.new()}@10.0.2.2:9", "noProxy": ["10.0.2.2"]},
            "unknown": canaries.new(),
        },
        "storage": {
            "disks": [
                {
                    "device": "/dev/disk/by-id/virtio-data",
                    "wipeTable": True,
                    "partitions": [{"label": "vault", "sizeMiB": 64}, {"label": "cellar", "sizeMiB": 64}],
                }
            ],
            "luks": volumes(canaries, server),
            "files": files_of(canaries, server),
        },
        "passwd": {
            "groups": [{"name": "own", "passwordHash": canaries.new("/etc/gshadow")}],
            "users": [{"name": "core", "passwordHash": canaries.new("/etc/shadow")}],
        },
        "systemd": {"units": units(canaries)},
    }


def volumes(canaries: Canaries, server: Server) -> list[dict[str, Any]]:
    """Two volumes: the key of one is in the config, that of the other is fetched."""
    keys = {
        "vault": data(canaries.new("/etc/luks/vault")),
        "cellar": fetched(canaries, server, "cellar", canaries.new("/etc/luks/cellar").encode()),
    }
    quick = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
    return [
        {"name": name, "device": f"/dev/disk/by-partlabel/{name}", "keyFile": key, "options": quick}
        for name, key in keys.items()
    ]


def files_of(canaries: Canaries, server: Server) -> list[dict[str, Any]]:
    """Files with contents in each form, and the program that searches for them."""
    packed = gzip.compress(canaries.new("/etc/packed").encode())
    joined, appended = (
        fetched(canaries, server, name, canaries.new("/etc/joined").encode()) for name in ("joined", "appended")
    )
    server.files["/with-password"] = b"open"
    with_password = server.url_of("/with-password").replace("//", f"//core:{canaries.new()}@")
    return [
        {"path": "/etc/plain", "contents": data(canaries.new("/etc/plain"))},
        {"path": "/etc/encoded", "contents": {"source": base64_url(canaries.new("/etc/encoded").encode())}},
        {"path": "/etc/packed", "contents": {"compression": "gzip", "source": base64_url(packed)}},
        {"path": "/etc/joined", "contents": joined, "append": [appended]},
        {"path": "/etc/open", "contents": {"source": with_password}},
        {"path": "/opt/search.py", "contents": {"source": base64_url(SEARCH.encode())}},
    ]


def units(canaries: Canaries) -> list[dict[str, Any]]:
    """A unit and its drop-in with passwords, and the unit that searches."""
    environment = "[Service]\nExecStart=true\nEnvironment=PASSWORD="
    contents, drop_in = (
        environment + canaries.new(f"/etc/systemd/system/{name}") for name in ("own.service", "own.service.d/own.conf")
    )
    return [
        {"name": "own.service", "contents": contents, "dropins": [{"name": "own.conf", "contents": drop_in}]},
        {"name": "search.service", "enabled": True, "contents": SEARCHER},
    ]


def fetched(canaries: Canaries, server: Server, name: str, body: bytes) -> dict[str, Any]:
    """A resource at the server, whose URL has a secret in its query, and which is asked for with a secret header."""
    path = f"/{name}?token={canaries.new()}"
    server.files[path] = body
    return {"source": server.url_of(path), "httpHeaders": [{"name": "X-Token", "value": canaries.new()}]}


def data(content: str) -> dict[str, Any]:
    return {"source": f"data:,{content}"}


def base64_url(content: bytes) -> str:
    return f"data:;base64,{base64.b64encode(content).decode()}"


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def config_file(canaries: Canaries, server: Server, ca: Authority, tmp_path: Path) -> Path:
    path = tmp_path / "config.ign"
    path.write_text(json.dumps(config_with(canaries, server, ca)))
    assert len(canaries.wanted) == 25
    return path


def test_after_a_first_boot_secrets_are_only_where_the_config_wants_them(
    canaries: Canaries, config_file: Path, machine: Machine
) -> None:
    boot = machine.boot("provision.firstboot=auto", config_file)
    assert boot.reported["failed"] == [""]
    told = json.loads(boot.reported["told"])
    assert told["lines"] > 500, "the journal was not searched"
    found: dict[int, list[str]] = {number: [] for number in canaries.wanted}
    for path, numbers in told["found"].items():
        for number in numbers:
            found[number].append(path)
    # passwd keeps the file before the last change under this name
    backups = {"/etc/shadow-", "/etc/gshadow-"}
    assert {number: sorted({*paths} - backups) for number, paths in found.items()} == canaries.wanted
    assert "canary" not in boot.console + boot.second_console


def test_after_a_failure_secrets_are_only_in_private_files_that_the_consoles_name(
    config_file: Path, machine: Machine, wide: DebianRoot, tmp_path: Path
) -> None:
    """A tool fails when everything is fetched and the volumes are made; a person searches by ssh."""
    login = SshLogin(tmp_path)
    arguments = f"provision.firstboot=auto provision.on_failure=hold provision.ssh_key={login.key}"
    overlay = cpio({"usr/sbin/useradd": FAILS})
    with machine.running(
        arguments, config_file, initramfs=wide.folder / "ssh", overlay=overlay, network=login.forward
    ) as boot:
        shown = boot.wait_for("Its addresses: 10.0.2.15")
        assert "this tool fails" in shown
        login.fingerprint()
        told = json.loads(login.run("python3 - /run /etc /tmp /var /root", SEARCH.encode()))
        found = told["found"]
        modes = login.run(f"stat -c %a:%U:%n {shlex.join(found)}").decode().splitlines()
    assert told["lines"] > 100, "the journal was not searched"
    assert found, "nothing was found, so the search is wrong"
    assert set(modes) == {f"600:root:{path}" for path in found}
    (named,) = re.findall("only root reads them: ([^\r\n]+)", shown)
    assert [path for path in found if not {path, str(Path(path).parent)} & set(named.split(", "))] == []
    assert "canary" not in shown
