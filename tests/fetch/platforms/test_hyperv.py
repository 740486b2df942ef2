"""Hyper-V: the kernel's messages are played back on a socket, with the size checks of the driver.

The numbers are from linux/hyperv.h, by a C compiler; the checks are those of drivers/hv/hv_kvp.c.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.boot.stage import platform_files
from provision.config.json_text.encode import encode
from provision.failures import FetchFailed
from provision.fetch.find_config import FoundConfig, find_config
from provision.fetch.platforms.hypervisors import hyperv
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.system.running_system.channels import MessageDevice
from provision.system.running_system.local_system import LocalSystem

CONFIG = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-the-host"}]}}'
PARTS = {"ignition.config.0": CONFIG[:40], "ignition.config.1": CONFIG[40:]}
SIZE = 7432
REGISTER, SET, ENUMERATE = 100, 1, 3
NO_MORE = 0x80070103

Message = tuple[int, int, str, bytes]
"""Operation, pool, key and value."""


def packed(operation: int, pool: int, key: str = "", value: bytes = b"") -> bytes:
    head = struct.pack("=BBHIII", operation, pool, 0, 1, len(key) + 1, len(value) + 1)
    return (head + key.encode().ljust(512, b"\0") + value.ljust(2048, b"\0")).ljust(SIZE, b"\0")


@contextmanager
def kernel(*messages: Message, answers: list[int]) -> Iterator[MessageDevice]:
    """The daemon's end of a connection on which the host sends these messages, and then nothing."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def play() -> None:
        greeting = theirs.recv(1 << 16)
        if len(greeting) < SIZE or greeting[0] != REGISTER:
            return
        theirs.send(packed(REGISTER, 0))
        for message in messages:
            theirs.send(packed(*message))
            answer = theirs.recv(1 << 16)
            if len(answer) < SIZE:
                return
            answers.append(struct.unpack_from("=I", answer)[0])

    player = threading.Thread(target=play)
    player.start()
    with ours, theirs:
        yield MessageDevice(ours.fileno())
        player.join()


def collected(messages: Sequence[Message]) -> tuple[hyperv.Pools, list[int]]:
    answers: list[int] = []
    with kernel(*messages, answers=answers) as device:
        return hyperv.collected(device), answers


def record(key: str, value: bytes) -> bytes:
    return key.encode().ljust(512, b"\0") + value.ljust(2048, b"\0")


def boot(root: Path, given: dict[str, bytes]) -> FoundConfig:
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc/cmdline").write_text("quiet\n")
    return find_config(
        "hyperv", LocalSystem(SystemPaths(), str(root)), FetchSettings(offline=True), platform_files=given
    )


def test_pairs_are_collected_as_the_daemons_files_have_them() -> None:
    said = [(SET, 0, *pair) for pair in PARTS.items()]
    pools, answers = collected([*said, (SET, 3, "HostName", b"x"), (SET, 3, "HostName", b"y"), (ENUMERATE, 2, "", b"")])
    assert pools == {
        0: record("ignition.config.0", CONFIG[:40]) + record("ignition.config.1", CONFIG[40:]),
        1: b"",
        2: b"",
        3: record("HostName", b"y"),
        4: b"",
    }
    assert answers == [0, 0, 0, 0, NO_MORE]


def test_parts_end_at_the_first_gap() -> None:
    assert hyperv.joined({"ignition.config.0": b"a", "ignition.config.2": b"c"}) == b"a"
    assert hyperv.joined({"ignition.config": b"whole", "ignition.config.0": b"a"}) == b"whole"
    assert hyperv.joined({"ignition.config": b"", "ignition.config.0": b"a"}) == b"a"
    assert hyperv.joined({}) is None


def test_the_host_is_not_asked_twice_in_a_boot(tmp_path: Path) -> None:
    pools, _ = collected([(SET, 0, *pair) for pair in PARTS.items()])
    urls = platform_files.to_data_urls(
        {f"/var/lib/hyperv/.kvp_pool_{pool}": records for pool, records in pools.items()}
    )
    acquired = boot(tmp_path, platform_files.from_data_urls(urls))
    assert [file.path for file in acquired.config.storage.files] == ["/from-the-host"]


def test_the_installed_system_finds_the_pools_as_private_files() -> None:
    config = platform_files.as_config(platform_files.to_data_urls({"/var/lib/hyperv/.kvp_pool_0": record("a", b"b")}))
    (file,) = config.storage.files
    assert (file.path, file.mode, file.overwrite) == ("/var/lib/hyperv/.kvp_pool_0", 0o600, True)
    assert "data:;base64," in encode(config)


def test_without_the_device_it_says_so(tmp_path: Path) -> None:
    given: dict[str, bytes] = {}
    with pytest.raises(FetchFailed, match="hv_kvp"):
        boot(tmp_path, given)
    assert given == {}
