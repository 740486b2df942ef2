"""TFTP from a real server (dnsmasq), from one that knows no options, and from some that break the rules."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from provision.config.format import Resource
from provision.failures import FetchFailed
from provision.fetch.resources import Fetcher
from provision.fetch.settings import FetchSettings
from tests.fetch import daemons
from tests.fetch.namespace import in_namespace, needs_root


@pytest.mark.disks
@pytest.mark.peer
@daemons.needs_dnsmasq
@needs_root
@pytest.mark.parametrize("options", [(), ("--tftp-no-blocksize",)], ids=["blksize", "no blksize"])
@pytest.mark.parametrize("size", [0, 511, 512, 1428, 2856, 100_000])
def test_tftp_with_and_without_large_blocks(tmp_path: Path, size: int, options: tuple[str, ...]) -> None:
    data = os.urandom(size)
    (tmp_path / "a file").write_bytes(data)

    def body() -> bytes:
        with daemons.tftp("10.9.0.9", tmp_path, *options):
            return Fetcher(FetchSettings(http_total=5)).read(Resource(source="tftp://10.9.0.9/a%20file"))

    assert in_namespace(body, "10.9.0.9/32") == data


@pytest.mark.disks
@pytest.mark.peer
@daemons.needs_dnsmasq
@needs_root
def test_tftp_says_what_the_server_says(tmp_path: Path) -> None:
    def body() -> None:
        with daemons.tftp("10.9.0.9", tmp_path):
            Fetcher(FetchSettings(http_total=5)).read(Resource(source="tftp://10.9.0.9/missing"))

    with pytest.raises(FetchFailed, match=r"server says: file .*missing not found"):
        in_namespace(body, "10.9.0.9/32")


@pytest.mark.disks
@pytest.mark.peer
@daemons.needs_dnsmasq
@needs_root
def test_tftp_asks_all_addresses_of_a_host(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"over IPv6")

    def body() -> bytes:
        with daemons.tftp("::1", tmp_path):
            return Fetcher(FetchSettings(http_total=20)).read(Resource(source="tftp://both.test/file"))

    assert in_namespace(body, hosts="127.0.0.1 both.test\n::1 both.test\n") == b"over IPv6"


@contextmanager
def answering(answers: Callable[[bytes], Sequence[bytes]]) -> Iterator[str]:
    """A TFTP server that answers each packet as the test says, from the port that got the request."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as channel:
        channel.bind(("127.0.0.1", 0))

        def talk() -> None:
            with suppress(OSError):
                while True:
                    packet, sender = channel.recvfrom(65536)
                    for answer in answers(packet):
                        channel.sendto(answer, sender)

        threading.Thread(target=talk, daemon=True).start()
        yield f"tftp://127.0.0.1:{channel.getsockname()[1]}/file"


def test_a_tftp_server_that_knows_no_options_and_says_everything_twice() -> None:
    """A server of RFC 1350 without options, which sends the duplicates of RFC 1123, 4.2.3.1."""
    blocks = [b"x" * 512, b"y" * 512, b"end"]

    def answers(packet: bytes) -> Sequence[bytes]:
        kind, number = struct.unpack_from("!HH", packet)
        known = number if kind == 4 else 0
        return [struct.pack("!HH", 3, known + 1) + blocks[known]] * 2 if known < len(blocks) else []

    with answering(answers) as url:
        assert Fetcher(FetchSettings(http_total=3)).read(Resource(source=url)) == b"".join(blocks)


@pytest.mark.slow
def test_blocks_are_counted_beyond_65535() -> None:
    """A file of more blocks than their number has bits for: 8 bytes each, as the smallest option allows."""

    def answers(packet: bytes) -> Sequence[bytes]:
        (kind,) = struct.unpack_from("!H", packet)
        if kind == 1:
            count[0] = 0
            return [b"\0\6blksize\x008\0"]
        count[0] += 1
        return [struct.pack("!HH", 3, count[0] % 65536) + (b"12345678" if count[0] <= 65540 else b"")]

    count = [0]
    with answering(answers) as url:
        assert len(Fetcher(FetchSettings(http_total=60)).read(Resource(source=url))) == 65540 * 8


@pytest.mark.parametrize(
    "answer",
    [
        b"\0\6blksize\x0065464\0",
        b"\0\6blksize\x000\0",
        b"\0\6blksize\0many\0",
        b"\0\6",
        b"\0\6blksize",
        b"\0\3\0\1" + bytes(600),
        b"\0\3",
        b"\xff" * 9,
        b"",
    ],
)
def test_a_broken_tftp_server_is_a_failure_in_time(answer: bytes) -> None:
    began = time.monotonic()
    with answering(lambda _packet: [answer]) as url, pytest.raises(FetchFailed, match="in time"):
        Fetcher(FetchSettings(http_total=0.5)).read(Resource(source=url))
    assert time.monotonic() - began < 20


@pytest.mark.slow
def test_tftp_without_a_server_ends_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(FetchFailed):
        Fetcher(FetchSettings(http_total=1.0)).read(Resource(source="tftp://127.0.0.1:9/file"))
    assert time.monotonic() - began < 20
