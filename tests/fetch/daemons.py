"""A name server and a TFTP server (dnsmasq), in the network namespace of the calling thread."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

needs_dnsmasq = pytest.mark.skipif(not shutil.which("dnsmasq"), reason="needs dnsmasq")

COMMON = ("--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=", "--log-facility=/dev/null")


@contextmanager
def names(address: str, **known: str) -> Iterator[None]:
    """A name server for `NAME_test="ADDRESS"`; it answers that all other names do not exist."""
    told = [f"--address=/{name.replace('_', '.')}/{found}" for name, found in known.items()]
    with _dnsmasq(
        53, f"--listen-address={address}", "--bind-interfaces", "--no-resolv", "--no-hosts", "--local=/test/", *told
    ):
        yield


@contextmanager
def tftp(address: str, folder: Path, *options: str) -> Iterator[None]:
    """A TFTP server for the files of a folder."""
    place = ("--port=0", f"--listen-address={address}", "--bind-interfaces", "--enable-tftp", f"--tftp-root={folder}")
    with _dnsmasq(69, *place, *options):
        yield


@contextmanager
def _dnsmasq(port: int, *options: str) -> Iterator[None]:
    child = subprocess.Popen(["dnsmasq", *COMMON, *options])
    try:
        _await_port(port, child)
        yield
    finally:
        child.terminate()
        child.wait()


def _await_port(port: int, child: subprocess.Popen[bytes]) -> None:
    """Wait until a program listens on the port; /proc/net/udp has ports in hexadecimal."""
    for _ in range(200):
        assert child.poll() is None, "dnsmasq has ended"
        if any(f":{port:04X} " in Path(f"/proc/thread-self/net/{table}").read_text() for table in ("udp", "udp6")):
            return
        time.sleep(0.02)
    raise TimeoutError("dnsmasq does not listen")
