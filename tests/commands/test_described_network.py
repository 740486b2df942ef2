"""The network of an initramfs as a platform describes it, on the links of a network namespace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any, NamedTuple

import pytest

from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.server import Answer, serve

pytestmark = [needs_root, pytest.mark.skipif(shutil.which("ip") is None, reason="ip is not installed")]

METADATA = "169.254.169.254"
MACS = {"one": "52:54:00:12:34:56", "two": "52:54:00:12:34:57"}

PROGRAM = """
import json, os, subprocess, sys
from provision.commands import described_network
from provision.metadata.network.documents import cloud_init
from provision.system.running_system.local_system import LocalSystem

def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout

document, macs = json.loads(sys.argv[1])
if "without-yaml" in sys.argv:
    sys.modules["yaml"] = None  # as where it is not installed
for name, mac in macs.items():
    ip("link", "add", name, "address", mac, "type", "veth", "peer", f"{name}-peer")
subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
messages = []
log = lambda level, message, **fields: messages.append(f"{level}: {message}")
if document is None:
    dhcp = described_network.configure(LocalSystem(), log)
else:
    dhcp = described_network.configure_links(cloud_init(document), LocalSystem(), log)
links = json.loads(ip("-json", "address"))
addresses = {one["ifname"]: [f"{at['local']}/{at['prefixlen']}" for at in one["addr_info"] if at["scope"] == "global"]
             for one in links if one["ifname"] in macs}
mtus = {one["ifname"]: one["mtu"] for one in links if one["ifname"] in macs}
servers = open(described_network.NAME_SERVERS).read() if os.path.exists(described_network.NAME_SERVERS) else ""
print(json.dumps([dhcp, messages, addresses, ip("route").splitlines(), servers, mtus]))
"""


class Configured(NamedTuple):
    """What came of a description: links for DHCP (None: there is no description), messages, and the kernel's view."""

    dhcp: list[str] | None
    messages: list[str]
    addresses: dict[str, list[str]]
    routes: list[str]
    servers: str
    mtus: dict[str, int]


def configured(document: Any, platform: str = "", *, namespace: str = "--net", option: str = "") -> Configured:
    """The network of a machine with two links; without a document the platform is asked."""
    argv = ["unshare", namespace, "--mount", sys.executable, "-c", PROGRAM, json.dumps([document, MACS]), option]
    environment = {**os.environ, "PLATFORM_ID": platform}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return Configured(*json.loads(done.stdout))


def test_static_and_dynamic_links() -> None:
    static = {"match": {"macaddress": MACS["one"].upper()}, "addresses": ["10.1.0.7/24", "fd00::7/64"]}
    servers = {"nameservers": {"addresses": ["10.1.0.53", "fd00::53"]}, "gateway4": "10.1.0.254"}
    dynamic = {"match": {"macaddress": MACS["two"]}, "dhcp4": True}
    found = configured({"version": 2, "ethernets": {"a": {**static, **servers, "mtu": 1450}, "b": dynamic}})
    assert found.dhcp == ["two"]
    assert found.addresses == {"one": ["10.1.0.7/24", "fd00::7/64"], "two": []}
    assert found.mtus == {"one": 1450, "two": 1500}
    assert any(line.startswith("default via 10.1.0.254 dev one") for line in found.routes)
    assert found.servers == "nameserver 10.1.0.53\nnameserver fd00::53\n"
    assert found.messages == [
        "progress: one: MTU 1450, up, 10.1.0.7/24, fd00::7/64, 0.0.0.0/0 via 10.1.0.254",
        "progress: two: up, DHCP",
    ]


def test_what_the_kernel_refuses_is_told_and_the_rest_is_done() -> None:
    settings = {"addresses": ["10.1.0.7/24"], "gateway4": "10.1.0.7"}  # a gateway that is the machine itself
    found = configured({"version": 2, "ethernets": {"a": {"match": {"macaddress": MACS["one"]}, **settings}}})
    assert found.dhcp == []
    assert found.addresses["one"] == ["10.1.0.7/24"]
    assert found.messages == [
        "warning: one: 0.0.0.0/0 via 10.1.0.7, which the platform describes, is not possible: Invalid argument",
        "progress: one: up, 10.1.0.7/24",
    ]


@pytest.mark.parametrize(
    ("document", "warnings"),
    [
        ({}, []),
        ({"version": 2, "ethernets": {}, "bonds": {"bond0": {"addresses": ["10.1.0.7/24"]}}}, ["bond bond0", "DHCP"]),
        ({"version": 2, "ethernets": {"a": {"match": {"macaddress": MACS["one"]}, "dhcp6": True}}}, ["IPv6", "DHCP"]),
    ],
)
def test_without_an_address_in_the_description_there_is_dhcp(document: Any, warnings: list[str]) -> None:
    found = configured(document)
    assert (found.dhcp, found.addresses) == (None, {"one": [], "two": []})
    assert len(found.messages) == len(warnings)
    assert all(word in message for word, message in zip(warnings, found.messages, strict=True)), found.messages


def test_a_platform_that_gives_no_description_is_told() -> None:
    found = configured(None, "nonesuch")
    assert found.dhcp is None
    assert len(found.messages) == 1
    assert found.messages[0].startswith("warning: the network that the platform describes is not used, but DHCP: ")


def test_a_description_in_yaml_needs_the_library() -> None:
    def body() -> Configured:
        with serve(lambda _asked: Answer(b"version: 1\nconfig: []\n"), METADATA, 80):
            return configured(None, "hetzner", namespace="--uts", option="without-yaml")

    found = in_namespace(body, f"{METADATA}/32")
    assert (found.dhcp, found.addresses) == (None, {"one": [], "two": []})
    [message] = [one for one in found.messages if one.startswith("warning")]
    assert "it is not JSON, and this initramfs cannot read YAML (hint: install PyYAML" in message
