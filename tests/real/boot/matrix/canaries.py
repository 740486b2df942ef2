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

    def fetched(name: str, body: str | bytes) -> dict[str, Any]:
        path = f"/{name}?token={canaries.new()}"
        server.files[path] = body if isinstance(body, bytes) else body.encode()
        return {"source": server.url_of(path), "httpHeaders": [{"name": "X-Token", "value": canaries.new()}]}

    def data(content: str) -> dict[str, Any]:
        return {"source": f"data:,{content}"}

    child = {"files": [{"path": "/etc/child", "contents": data(canaries.new("/etc/child"))}]}
    packed = base64.b64encode(gzip.compress(canaries.new("/etc/packed").encode())).decode()
    encoded = base64.b64encode(canaries.new("/etc/encoded").encode()).decode()
    open_server = server.url_of("/with-password")
    server.files["/with-password"] = b"open"
    quick = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
    environment = "[Service]\nExecStart=true\nEnvironment=PASSWORD="
    drop_in = {"name": "own.conf", "contents": environment + canaries.new("/etc/systemd/system/own.service.d/own.conf")}
    return {
        "ignition": {
            "version": "3.4.0",
            "config": {
                "merge": [fetched("child", json.dumps({"ignition": {"version": "3.4.0"}, "storage": child}))],
            },
            "security": {"tls": {"certificateAuthorities": [fetched("authority", ca.certificate)]}},
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
            "luks": [
                {
                    "name": "vault",
                    "device": "/dev/disk/by-partlabel/vault",
                    "keyFile": data(canaries.new("/etc/luks/vault")),
                    "options": quick,
                },
                {
                    "name": "cellar",
                    "device": "/dev/disk/by-partlabel/cellar",
                    "keyFile": fetched("cellar", canaries.new("/etc/luks/cellar")),
                    "options": quick,
                },
            ],
            "files": [
                {"path": "/etc/plain", "contents": data(canaries.new("/etc/plain"))},
                {"path": "/etc/encoded", "contents": {"source": f"data:;base64,{encoded}"}},
                {"path": "/etc/packed", "contents": {"compression": "gzip", "source": f"data:;base64,{packed}"}},
                {
                    "path": "/etc/joined",
                    "contents": fetched("joined", canaries.new("/etc/joined")),
                    "append": [fetched("appended", canaries.new("/etc/joined"))],
                },
                {"path": "/etc/open", "contents": {"source": open_server.replace("//", f"//core:{canaries.new()}@")}},
                {"path": "/opt/search.py", "contents": {"source": base64_url(SEARCH)}},
            ],
        },
        "passwd": {
            "groups": [{"name": "own", "passwordHash": canaries.new("/etc/gshadow")}],
            "users": [{"name": "core", "passwordHash": canaries.new("/etc/shadow")}],
        },
        "systemd": {
            "units": [
                {
                    "name": "own.service",
                    "contents": environment + canaries.new("/etc/systemd/system/own.service"),
                    "dropins": [drop_in],
                },
                {"name": "search.service", "enabled": True, "contents": SEARCHER},
            ]
        },
    }


def base64_url(content: str) -> str:
    return f"data:;base64,{base64.b64encode(content.encode()).decode()}"


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
