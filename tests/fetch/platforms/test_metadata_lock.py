"""The lock of the metadata service, in a network of its own: this machine, the cloud behind it, and a container."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provision.config.resources.data_urls import decode_data_url
from provision.failures import Failure
from provision.fetch.base_config import EMPTY, base_config
from provision.fetch.platforms.metadata_lock import UNIT, metadata_addresses, unit_text
from provision.fetch.platforms.table import PLATFORMS
from provision.fetch.running_system import SystemPaths
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.namespace import in_namespace, ip, needs_root

OLD, NEW = "169.254.169.254", "fd00:ec2::254"
NOBODY = 65534
SERVER = """
import http.server, socket, threading
class Server(http.server.HTTPServer):
    address_family = socket.AF_INET6
for port in (80, 8080):
    threading.Thread(target=Server(("::", port), http.server.BaseHTTPRequestHandler).serve_forever).start()
print("ready", flush=True)
"""
ASK = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()"


@contextmanager
def neighbour(name: str, ours: tuple[str, ...], theirs: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Another network namespace, linked to this one; the command that starts a program in it."""
    sleeper = subprocess.Popen(["unshare", "--net", "sleep", "60"])
    try:
        enter = ("nsenter", f"--net=/proc/{sleeper.pid}/ns/net")
        while Path(f"/proc/{sleeper.pid}/ns/net").readlink() == Path("/proc/thread-self/ns/net").readlink():
            time.sleep(0.01)
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(sleeper.pid))
        for address in ours:
            ip("address", "add", address, "dev", name, *(("nodad",) if ":" in address else ()))
        ip("link", "set", name, "up")
        for words in (("link", "set", "lo", "up"), ("link", "set", "eth0", "up")):
            subprocess.run([*enter, "ip", *words], check=True)
        for address in theirs:
            more = ("nodad",) if ":" in address else ()
            subprocess.run([*enter, "ip", "address", "add", address, "dev", "eth0", *more], check=True)
        yield enter
    finally:
        sleeper.kill()
        sleeper.wait()


def reaches(address: str, port: int, *, user: int = 0, by: tuple[str, ...] = ()) -> bool:
    argv = [*by, "/usr/bin/python3", "-I", "-c", ASK, address, str(port)]
    return subprocess.run(argv, user=user, check=False, capture_output=True).returncode == 0


def run_lines(unit: str, kind: str) -> None:
    """What systemd would start for a unit."""
    for line in unit.splitlines():
        key, _, command = line.partition("=")
        if key == kind:
            subprocess.run(command.removeprefix("-").split(), check=not command.startswith("-"))


@contextmanager
def cloud() -> Iterator[tuple[str, ...]]:
    """A cloud with a metadata service, behind this machine, which forwards for a container; how to start in that."""
    outside = ("10.9.1.1/24", f"{OLD}/32", "fd09:1::1/64", f"{NEW}/128")
    with (
        neighbour("cloud", ("10.9.1.2/24", "fd09:1::2/64"), outside) as far,
        neighbour("docker0", ("10.9.2.1/24", "fd09:2::1/64"), ("10.9.2.2/24", "fd09:2::2/64")) as container,
    ):
        ip("route", "add", OLD, "via", "10.9.1.1")
        ip("-6", "route", "add", NEW, "via", "fd09:1::1")
        for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            Path("/proc/sys/net", path).write_text("1")
        for where, words in (
            (far, ("route", "add", "10.9.2.0/24", "via", "10.9.1.2")),
            (far, ("-6", "route", "add", "fd09:2::/64", "via", "fd09:1::2")),
            (container, ("route", "add", "default", "via", "10.9.2.1")),
            (container, ("-6", "route", "add", "default", "via", "fd09:2::1")),
        ):
            subprocess.run([*where, "ip", *words], check=True)
        server = subprocess.Popen([*far, "/usr/bin/python3", "-I", "-c", SERVER], stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield container
        finally:
            server.kill()
            server.wait()


@pytest.mark.disks
@needs_root
@pytest.mark.parametrize("address", [OLD, NEW])
def test_only_root_reaches_the_metadata_service(address: str) -> None:
    def body() -> None:
        with cloud() as container:
            everyone: dict[str, dict[str, Any]] = {
                "root": {},
                "nobody": {"user": NOBODY},
                "container": {"by": container},
            }
            assert all(reaches(address, 80, **who) for who in everyone.values())
            unit = unit_text((OLD, NEW))
            run_lines(unit, "ExecStart")
            who_can = [name for name, who in everyone.items() if reaches(address, 80, **who)]
            assert who_can == ["root"]
            assert all(reaches(address, 8080, **who) for who in everyone.values())
            run_lines(unit, "ExecStop")
            assert all(reaches(address, 80, **who) for who in everyone.values())

    in_namespace(body)


def machine(root: Path, setting: str = "", firmware: str = "") -> LocalSystem:
    for path, text in (("proc/cmdline", setting), ("sys/class/dmi/id/sys_vendor", firmware)):
        (root / path).parent.mkdir(parents=True)
        (root / path).write_text(text)
    return LocalSystem(SystemPaths(), str(root))


@pytest.mark.parametrize(("platform", "firmware"), [("aws", ""), ("auto", "Amazon EC2")])
def test_the_lock_is_part_of_the_config_of_the_system(tmp_path: Path, platform: str, firmware: str) -> None:
    config = base_config(platform, machine(tmp_path, "provision.user_data=lock", firmware))
    (file,), (link,) = config.storage.files, config.storage.links
    assert (file.path, link.target) == (f"/etc/systemd/system/{UNIT}", file.path)
    assert decode_data_url(file.contents.source or "").decode() == unit_text((OLD, NEW))


@pytest.mark.parametrize("setting", ["", "provision.user_data=keep"])
def test_without_being_asked_nothing_is_shut(tmp_path: Path, setting: str) -> None:
    assert base_config("aws", machine(tmp_path, setting)) is EMPTY


def test_what_has_no_metadata_service_needs_no_lock(tmp_path: Path) -> None:
    assert base_config("qemu", machine(tmp_path, "provision.user_data=lock")) is EMPTY


def test_a_setting_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"provision\.user_data=locked is unknown"):
        base_config("aws", machine(tmp_path, "provision.user_data=locked"))


def test_which_platforms_can_be_shut() -> None:
    addresses = {name: [*metadata_addresses(platform.source)] for name, platform in PLATFORMS.items()}
    assert addresses["aws"] == [OLD, NEW]
    assert addresses["openstack"] == [OLD, "fe80::a9fe:a9fe"]
    assert addresses["azure"] == [OLD]
    assert addresses["aliyun"] == ["100.100.100.200"]
    assert addresses["scaleway"] == ["169.254.42.42", "fd00:42::42"]
    assert {name for name in ("cloudstack", "packet", "qemu", "metal", "applehv") if addresses[name]} == set()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    (tmp_path / UNIT).write_text(unit_text((OLD, NEW)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / UNIT)], capture_output=True, text=True, check=False
    )
    assert UNIT not in done.stderr
