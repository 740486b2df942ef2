"""Links are taken down: tried on a link of a network namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

PROGRAM = """
import subprocess
from provision.system.network import links

def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout

ip("link", "add", "one", "type", "veth", "peer", "two")
for address in ("10.1.0.1/24", "10.1.0.2/24", "10.2.0.1/24", "fd00::1/64"):
    ip("address", "add", address, "dev", "one")
ip("link", "set", "one", "up")
ip("route", "add", "default", "via", "10.1.0.9")
subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
assert links.names() == ["one", "two"], links.names()
assert links.addresses() == ["10.1.0.1", "fd00::1"], links.addresses()
for name in links.names():
    links.take_down(name)
assert "inet" not in ip("address", "show", "dev", "one"), ip("address")
assert ip("route") == ""
assert ",UP" not in ip("link", "show", "dev", "one")
try:
    links.take_down("three")
except OSError:
    print("good")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
@pytest.mark.skipif(shutil.which("ip") is None, reason="ip is not installed")
def test_a_link_that_is_taken_down_has_no_addresses_and_routes() -> None:
    argv = ["unshare", "--net", "--mount", sys.executable, "-c", PROGRAM]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("good\n", "")
