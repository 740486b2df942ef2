"""Two machines form a cluster of the real etcd, by what `provision apply` writes for their Container Linux Configs."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transpiler.container_linux.machines import ETCD_DROPIN, applied, command, metadata, run

ETCD, ETCDCTL, LOCKSMITHCTL = map(shutil.which, ("etcd", "etcdctl", "locksmithctl"))
MEMBERS = {"one": "127.0.41.1", "two": "127.0.41.2"}
WAIT = 60.0
"""Seconds that a busy machine may take to form a cluster."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.peer,
    pytest.mark.skipif(not ETCD or not ETCDCTL, reason="etcd and etcdctl are not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="applying to a tree needs root"),
]

CONFIG = """\
etcd:
  version: 3.4.23
  name: "{{HOSTNAME}}"
  data_dir: {data}
  enable_v2: true
  listen_client_urls: http://{{PRIVATE_IPV4}}:{client}
  advertise_client_urls: http://{{PRIVATE_IPV4}}:{client}
  listen_peer_urls: http://{{PRIVATE_IPV4}}:{peer}
  initial_advertise_peer_urls: http://{{PRIVATE_IPV4}}:{peer}
  initial_cluster: one=http://127.0.41.1:{peer},two=http://127.0.41.2:{peer}
  initial_cluster_state: new
update:
  group: Stable
  server: https://update.example.com/v1/update/
locksmith:
  reboot_strategy: etcd-lock
  window_start: Thu 04:00
  window_length: 1h30m
  group: workers
  etcd_endpoints: http://127.0.41.1:{client}
"""


def free_ports() -> tuple[int, int]:
    """Two ports that nothing listens on."""
    with socket.create_server(("127.0.41.1", 0)) as one, socket.create_server(("127.0.41.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture
def members(tmp_path: Path) -> Iterator[list[str]]:
    """The endpoints of two members, which run during the test."""
    client, peer = free_ports()
    processes = []
    try:
        for name, address in MEMBERS.items():
            tree = applied(tmp_path, name, CONFIG.format(data=tmp_path / f"{name}.data", client=client, peer=peer))
            argv = command(tree / ETCD_DROPIN, "ExecStart", metadata(name, address))
            with (tmp_path / f"{name}.log").open("w") as log:
                processes.append(subprocess.Popen(argv, stdout=log, stderr=log))
        yield [f"http://{address}:{client}" for address in MEMBERS.values()]
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def etcdctl(endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [str(ETCDCTL), "--endpoints", endpoint, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "ETCDCTL_API": "3"})


def test_a_value_that_one_member_takes_is_read_from_the_other(members: list[str]) -> None:
    deadline = time.monotonic() + WAIT
    while etcdctl(members[0], "put", "/lab/a", "hello").returncode and time.monotonic() < deadline:
        pass
    assert etcdctl(members[1], "get", "/lab/a").stdout == "/lab/a\nhello\n"
    listed = etcdctl(members[1], "member", "list").stdout.splitlines()
    assert sorted(line.split(", ")[2] for line in listed) == ["one", "two"]


@pytest.mark.skipif(not LOCKSMITHCTL, reason="locksmithctl is not on PATH")
def test_locksmith_keeps_its_lock_where_update_conf_says(tmp_path: Path, members: list[str]) -> None:
    def locksmithctl(*arguments: str) -> subprocess.CompletedProcess[str]:
        script = '. "$0" && LOCKSMITHCTL_ENDPOINT=$LOCKSMITHD_ENDPOINT LOCKSMITHCTL_GROUP=$LOCKSMITHD_GROUP "$@"'
        argv = ["sh", "-c", script, str(tmp_path / "one/etc/coreos/update.conf"), str(LOCKSMITHCTL), *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    deadline = time.monotonic() + WAIT
    while locksmithctl("lock", "one").returncode and time.monotonic() < deadline:
        pass
    assert locksmithctl("lock", "two").returncode == 1
    kept = subprocess.run(
        [
            str(ETCDCTL),
            "--endpoints",
            members[1],
            "get",
            "/coreos.com/updateengine/rebootlock/groups/workers/semaphore",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "ETCDCTL_API": "2"},
    )
    assert json.loads(kept.stdout)["holders"] == ["one"]
    assert locksmithctl("unlock", "one").returncode == 0
    assert locksmithctl("lock", "two").returncode == 0


def test_a_shell_reads_update_conf_as_the_programs_do(tmp_path: Path) -> None:
    tree = applied(tmp_path, "one", CONFIG.format(data="/var/lib/etcd", client=2379, peer=2380))
    names = ("GROUP", "SERVER", "REBOOT_STRATEGY", "LOCKSMITHD_REBOOT_WINDOW_START", "LOCKSMITHD_REBOOT_WINDOW_LENGTH")
    script = '. "$1"; shift; for name; do eval "echo \\"\\$$name\\""; done'
    shown = run("sh", "-c", script, "sh", str(tree / "etc/coreos/update.conf"), *names)
    assert shown.splitlines() == ["stable", "https://update.example.com/v1/update/", "etcd-lock", "Thu 04:00", "1h30m"]
