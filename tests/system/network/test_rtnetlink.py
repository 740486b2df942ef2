"""Links are configured: tried in a network namespace of its own, and compared with what ip(8) shows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.fetch.namespace import needs_root

PROGRAM = """
import json, subprocess
from ipaddress import ip_address, ip_interface, ip_network
from provision.system.network import links, rtnetlink

def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout

ip("link", "add", "one", "type", "veth", "peer", "two")
ip("link", "set", "two", "up")
for name in ("one", "two"):
    rtnetlink.set_up(name)
for address in ("10.1.0.1/24", "10.1.0.2/24", "10.9.0.1/32", "fd00::1/64", "10.1.0.1/24"):
    rtnetlink.add_address("one", ip_interface(address))
routes = [("one", "0.0.0.0/0", "10.1.0.254", 0), ("one", "172.16.0.0/12", "192.0.2.1", 0)]
routes += [("one", "::/0", "fe80::1", 0), ("two", "::/0", "fe80::2", 1)]
routes += [("two", "0.0.0.0/0", "10.2.0.254", 1), ("one", "0.0.0.0/0", "10.1.0.254", 0)]
for name, destination, gateway, number in routes:
    rtnetlink.add_route(name, ip_network(destination), ip_address(gateway), number)
shown = [json.loads(ip("-json", *words)) for words in (
    ("address", "show", "dev", "one"), ("-4", "route", "show", "proto", "static"),
    ("-6", "route", "show", "proto", "static"))]
errors = []
for action in (
    lambda: rtnetlink.set_up("three"),
    lambda: rtnetlink.add_route("one", ip_network("10.5.0.0/16"), ip_address("10.1.0.1")),
):
    try:
        action()
    except OSError as error:
        errors.append(error.strerror or str(error))
subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
links.take_down("one")
print(json.dumps([*shown, errors, ip("address", "show", "dev", "one")]))
"""


@needs_root
@pytest.mark.skipif(shutil.which("ip") is None, reason="ip is not installed")
def test_addresses_and_routes_are_there_and_can_be_taken_down() -> None:
    argv = ["unshare", "--net", "--mount", sys.executable, "-c", PROGRAM]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    [link], routes, routes6, errors, after = json.loads(done.stdout)
    addresses = {f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["scope"] == "global"}
    assert addresses == {"10.1.0.1/24", "10.1.0.2/24", "10.9.0.1/32", "fd00::1/64"}
    assert "UP" in link["flags"]
    found = [(one["dst"], one["gateway"], one["dev"], one.get("metric", 0)) for one in (*routes, *routes6)]
    assert sorted(found) == [
        ("172.16.0.0/12", "192.0.2.1", "one", 0),
        ("default", "10.1.0.254", "one", 0),
        ("default", "10.2.0.254", "two", 1),
        ("default", "fe80::1", "one", 1024),
        ("default", "fe80::2", "two", 1025),
    ]
    assert errors == ["no interface with this name", "Invalid argument"]
    assert "inet" not in after
