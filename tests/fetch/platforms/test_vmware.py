"""VMware: guestinfo from `vmware-rpctool`, and from the host over vsock.

The tool is a script that prints what the real one prints; the host's side of the connection is played back, written
from open-vm-tools (lib/dataMap, lib/rpcChannel). Only VMware has CID 0 itself.
"""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from provision.failures import FetchFailed
from provision.fetch.find_config import FoundConfig, find_config
from provision.fetch.platforms.context import FetchContext, fetch_context
from provision.fetch.platforms.hypervisors import guest_rpc, vmware
from provision.fetch.platforms.table import PLATFORMS
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.fetch.user_data.compression import decompressed
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.platforms import paths
from tests.recorded_log import RecordedLog

CONFIG = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-the-host"}]}}'
ENCODED = b64encode(CONFIG).decode()
DATA, ENCODING = "guestinfo.ignition.config.data", "guestinfo.ignition.config.data.encoding"
OLD_DATA, OLD_ENCODING = "guestinfo.coreos.config.data", "guestinfo.coreos.config.data.encoding"
DELETED = {DATA: "e30K", ENCODING: "base64"}
NAMESPACE = "http://schemas.dmtf.org/ovf/environment/1"
HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<Environment xmlns="{NAMESPACE}" xmlns:oe="{NAMESPACE}">'


@pytest.fixture
def context(root: Path, log: RecordedLog) -> FetchContext:
    return fetch_context(LocalSystem(SystemPaths(), str(root)), FetchSettings(), log)


def boot(root: Path) -> FoundConfig:
    return find_config("vmware", LocalSystem(SystemPaths(), str(root)), FetchSettings(http_total=2, offline=True))


def ovf(**properties: str) -> str:
    named = {DATA: properties.get("data"), ENCODING: properties.get("encoding"), "dns": "a/b > c"}
    section = "".join(f'<Property oe:key="{key}" oe:value="{value}"/>' for key, value in named.items() if value)
    return f"{HEAD}<PropertySection>{section}</PropertySection></Environment>"


def rpctool(folder: Path, values: dict[str, str]) -> None:
    """A script that behaves like vmware-rpctool: it prints the value and a line feed, or `No value found` and ends with
    1.
    """
    cases = "\n".join(f"'info-get {key}') cat <<'END'\n{value}\nEND\n;;" for key, value in values.items())
    script = f'case "$1" in\n{cases}\ninfo-set*) exit 0;;\n*) echo "No value found" >&2; exit 1;;\nesac'
    (folder / "vmware-rpctool").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "vmware-rpctool").chmod(0o755)


def answer(command: str, values: dict[str, str]) -> bytes:
    """The host's answer to a command."""
    verb, _, rest = command.partition(" ")
    key, _, value = rest.partition(" ")
    if verb == "info-set":
        values[key] = value
        return b"1 "
    return b"1 " + values[key].encode() if key in values else b"0 No value found"


@contextmanager
def host(values: dict[str, str]) -> Iterator[vmware.SendCommand]:
    """A connection to a host with some guestinfo, which may be changed."""
    ours, theirs = socket.socketpair()

    def play() -> None:
        with theirs, theirs.makefile("rb") as heard:
            while head := heard.read(4):
                fields = heard.read(struct.unpack("!I", head)[0])
                assert fields[:16] == bytes.fromhex("00000001 00000001 00000001 00000000")  # the type: data
                assert fields[16:24] == bytes.fromhex("00000002 00000002")
                (size,) = struct.unpack("!I", fields[24:28])
                assert size == len(fields) - 28
                said = answer(fields[28:].decode(), values)
                packet = struct.pack("!III", 2, 2, len(said)) + said + struct.pack("!IIII", 1, 1, 1, 0)
                theirs.sendall(struct.pack("!I", len(packet)) + packet)

    player = threading.Thread(target=play)
    player.start()
    with ours:
        yield partial(vmware.send_by_vsock, ours)
    player.join()


ENCODINGS = ["", "b64", "base64", "gzip+base64", "gz+b64"]


def encoded(encoding: str) -> dict[str, str]:
    packed = gzip.compress(CONFIG) if "gz" in encoding else CONFIG
    data = b64encode(packed).decode() if "b" in encoding else CONFIG.decode()
    return {DATA: data, ENCODING: encoding} if encoding else {DATA: data}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_guestinfo_by_the_tool(root: Path, programs: Path, encoding: str) -> None:
    rpctool(programs, encoded(encoding))
    assert paths(boot(root)) == ["/from-the-host"]


def test_a_config_of_megabytes_by_the_tool(root: Path, programs: Path) -> None:
    (root / "large").write_bytes(CONFIG.ljust(3 << 20))
    rpctool(programs, {})
    tool = programs / "vmware-rpctool"
    tool.write_text(tool.read_text().replace('case "$1" in', f'case "$1" in "info-get {DATA}") cat {root}/large;;'))
    assert paths(boot(root)) == ["/from-the-host"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_guestinfo_over_vsock(context: FetchContext, encoding: str) -> None:
    with host(encoded(encoding)) as send:
        assert decompressed(vmware.config(send, context) or b"", "vmware") == CONFIG


def test_the_ovf_environment(root: Path, programs: Path, context: FetchContext) -> None:
    environment = ovf(data=ENCODED, encoding="base64")
    rpctool(programs, {"guestinfo.ovfenv": environment})
    assert paths(boot(root)) == ["/from-the-host"]
    with host({"guestinfo.ovfenv": environment}) as send:
        assert vmware.config(send, context) == CONFIG


def test_an_ovf_environment_that_is_none_is_left_out(context: FetchContext, log: RecordedLog) -> None:
    with host({"guestinfo.ovfenv": "nonsense", **encoded("base64")}) as send:
        assert vmware.config(send, context) == CONFIG
    assert "guestinfo.ovfenv: is not XML" in str(log)


@pytest.mark.parametrize("values", [{}, DELETED])
def test_without_a_config(root: Path, programs: Path, values: dict[str, str]) -> None:
    rpctool(programs, values)
    assert not boot(root).provided


@pytest.mark.parametrize(
    ("data", "encoding", "told"), [("x", "rot13", "unknown encoding"), ("no base64!", "base64", "is not base64")]
)
def test_encodings_that_are_wrong(data: str, encoding: str, told: str) -> None:
    with pytest.raises(FetchFailed, match=told):
        vmware.decoded(data, encoding)


def test_elsewhere_says_where(root: Path) -> None:
    vendor = root / "sys/class/dmi/id/sys_vendor"
    vendor.parent.mkdir(parents=True)
    vendor.write_text("QEMU\n")
    with pytest.raises(FetchFailed, match="made by QEMU"):
        boot(root)


def test_without_the_tool_no_host_is_asked_on_an_unknown_machine(root: Path, programs: Path) -> None:
    assert not list(programs.iterdir())
    with pytest.raises(FetchFailed, match="vmware-rpctool: is not there"):
        boot(root)


def test_the_config_is_deleted_wherever_it_is() -> None:
    values = {**encoded("gzip+base64"), OLD_DATA: ENCODED, "guestinfo.ovfenv": ovf(data=ENCODED, encoding="base64")}
    with host(values) as send:
        vmware.remove(send)
    old = {OLD_DATA: "e30K", OLD_ENCODING: "base64"}
    assert values == {**DELETED, **old, "guestinfo.ovfenv": ovf()}


def test_what_others_put_there_stays() -> None:
    values = {"guestinfo.ovfenv": ovf(), "guestinfo.hostname": "x"}
    with host(values) as send:
        vmware.remove(send)
    assert values == {**DELETED, "guestinfo.ovfenv": ovf(), "guestinfo.hostname": "x"}


def test_properties_leave_the_ovf_environment_to_the_letter() -> None:
    kept = '<Property oe:key="dns" oe:value="a/b > c"/> <Property oe:key="x" oe:value=\'"y"\'></Property>'
    ours = f'<Property oe:key="{DATA}" oe:value="{ENCODED}"/>\n<Property oe:value="b64" oe:key="{ENCODING}"></Property>'
    tail = "</PropertySection></Environment>"
    values = {"guestinfo.ovfenv": f"{HEAD}<PropertySection>{ours}{kept}{ours}{tail}"}
    with host(values) as send:
        vmware.remove(send)
    assert values["guestinfo.ovfenv"] == f"{HEAD}<PropertySection>{kept}{tail}"


def test_the_platform_deletes_by_the_tool(programs: Path, context: FetchContext) -> None:
    rpctool(programs, encoded("base64"))
    log = programs / "log"
    tool = programs / "vmware-rpctool"
    tool.write_text(tool.read_text().replace("info-set*)", f'info-set*) echo "$1" >> {log};'))
    delete = PLATFORMS["vmware"].delete
    assert delete is not None
    delete(context)
    assert log.read_text().splitlines() == [f"info-set {key} {value}" for key, value in DELETED.items()]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00\x00\x00\x08\x00",
        b"\xff\xff\xff\xff",
        struct.pack("!IIII", 12, 2, 2, 99),
        struct.pack("!IIII", 12, 7, 2, 0),
        struct.pack("!IIII", 14, 2, 2, 2) + b"no",
    ],
)
def test_a_host_that_talks_nonsense(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(said)
    theirs.shutdown(socket.SHUT_WR)
    with ours, theirs, pytest.raises(OSError, match=r"malformed|too large|closed"):
        guest_rpc.ask(ours, b"info-get x")
