"""Two machines share a network of the real flannel, started as the drop-ins of their Container Linux Configs say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.transpiler.container_linux.machines import ETCD_DROPIN, FLANNEL_DROPIN, applied, command, metadata, run

PROGRAMS = ("etcd", "etcdctl", "flanneld", "ip")
ADDRESSES = {"one": "10.41.0.1", "two": "10.41.0.2"}
WAIT = 60.0
"""Seconds that a busy machine may take to form a cluster, and to make a network."""

CONFIG = """\
etcd:
  version: 3.4.23
  name: "{{HOSTNAME}}"
  data_dir: {data}
  enable_v2: true
  listen_client_urls: http://{{PRIVATE_IPV4}}:2379,http://127.0.0.1:2379
  advertise_client_urls: http://{{PRIVATE_IPV4}}:2379
  listen_peer_urls: http://{{PRIVATE_IPV4}}:2380
  initial_advertise_peer_urls: http://{{PRIVATE_IPV4}}:2380
  initial_cluster: one=http://10.41.0.1:2380,two=http://10.41.0.2:2380
flannel:
  version: 0.7.0
  interface: "{{PRIVATE_IPV4}}"
  network_config: '{{ "Network": "10.254.0.0/16", "Backend": {{"Type": "{backend}"}} }}'
"""

SERVER = "import socket, sys; server = socket.create_server((sys.argv[1], 7000)); print(flush=True); server.accept()"
CLIENT = "import socket, sys; socket.create_connection((sys.argv[1], 7000), 5, (sys.argv[2], 0))"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.peer,
    pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason=f"{', '.join(PROGRAMS)} are not all installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]


class Machine(NamedTuple):
    """A machine that is a network namespace: the tree with its configuration, and the folder that is its /run."""

    namespace: str
    tree: Path
    run: Path
    variables: dict[str, str]

    def inside(self, *argv: str) -> list[str]:
        """A command that runs on the machine, where etcdctl speaks version 2 as on Container Linux."""
        script = f'mount --bind "{self.run}" /run && ETCDCTL_API=2 exec "$@"'
        return ["ip", "netns", "exec", self.namespace, "sh", "-c", script, "sh", *argv]

    def starts(self, dropin: str, setting: str = "ExecStart") -> list[str]:
        return self.inside(*command(self.tree / dropin, setting, self.variables))

    def subnet(self) -> dict[str, str]:
        """What flannel tells Docker of its subnet: nothing until it has one."""
        path = self.run / "flannel/subnet.env"
        return dict(line.split("=", 1) for line in path.read_text().splitlines()) if path.exists() else {}


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def succeeds(argv: list[str]) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


@contextmanager
def two_namespaces() -> Iterator[dict[str, str]]:
    """Two network namespaces with a cable between them: the names of the machines -> those of the namespaces."""
    names = {name: f"flannel-{os.getpid()}-{name}" for name in ADDRESSES}
    try:
        for namespace in names.values():
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        one, two = names.values()
        run("ip", "-n", one, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", two)
        for name, namespace in names.items():
            run("ip", "-n", namespace, "address", "add", f"{ADDRESSES[name]}/24", "dev", "eth0")
            run("ip", "-n", namespace, "link", "set", "eth0", "up")
        yield names
    finally:
        for namespace in names.values():
            subprocess.run(["ip", "netns", "delete", namespace], check=False)


@contextmanager
def started(argv: list[str], log: Path) -> Iterator[None]:
    with log.open("w") as output, subprocess.Popen(argv, stdout=output, stderr=output) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.fixture(params=["vxlan", "udp", "host-gw"])
def machines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Machine]]:
    """Two machines on which etcd and flannel run during the test."""
    with ExitStack() as running:
        made = []
        for name, namespace in running.enter_context(two_namespaces()).items():
            tree = applied(tmp_path, name, CONFIG.format(data=tmp_path / f"{name}.data", backend=request.param))
            (tmp_path / f"{name}.run").mkdir()
            made.append(Machine(namespace, tree, tmp_path / f"{name}.run", metadata(name, ADDRESSES[name])))
            running.enter_context(started(made[-1].starts(ETCD_DROPIN), tmp_path / f"{name}.etcd.log"))
        for machine in made:
            wait_until(partial(succeeds, machine.starts(FLANNEL_DROPIN, "ExecStartPre")))
            log = tmp_path / f"{machine.tree.name}.flannel.log"
            running.enter_context(started(machine.starts(FLANNEL_DROPIN), log))
            wait_until(machine.subnet)
        yield made


def test_machines_get_subnets_of_one_network_and_reach_each_other(machines: list[Machine]) -> None:
    network = ip_network("10.254.0.0/16")
    assert [machine.subnet()["FLANNEL_NETWORK"] for machine in machines] == [str(network)] * 2
    one, two = (ip_interface(machine.subnet()["FLANNEL_SUBNET"]) for machine in machines)
    assert not one.network.overlaps(two.network)
    assert one in network
    assert two in network
    for machine, address in zip(machines, (one, two), strict=True):
        run("ip", "-n", machine.namespace, "link", "add", "docker0", "type", "bridge")
        run("ip", "-n", machine.namespace, "address", "add", str(address), "dev", "docker0")
        run("ip", "-n", machine.namespace, "link", "set", "docker0", "up")
    server = machines[1].inside(sys.executable, "-c", SERVER, str(two.ip))
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as listening:
        assert listening.stdout
        listening.stdout.readline()
        client = machines[0].inside(sys.executable, "-c", CLIENT, str(two.ip), str(one.ip))
        wait_until(lambda: listening.poll() is not None or succeeds(client))
