"""Servers that break the rules, by accident or on purpose: the client ends in time, with a result or a Failure."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from provision.config.format import Config, File, HttpHeader, Resource, Storage
from provision.config.model import Secret
from provision.engine.execution import Engine
from provision.failures import FetchFailed
from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Request
from provision.fetch.resources import Fetcher
from provision.fetch.settings import FetchSettings
from provision.log import silent
from provision.planning.boot_state import BootState
from provision.stages import load_stage
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from tests.fetch.certificates import Authority
from tests.fetch.namespace import needs_root
from tests.fetch.server import Answer, Talk, drips, hangs, says, serve, talking
from tests.recorded_log import RecordedLog

pytestmark = pytest.mark.slow

SOON = 8.0
"""Seconds within which a fetch ends whose limit is half a second, on processors that are busy. Servers go on longer."""

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"


def read(url: str, log: RecordedLog, **asked: Any) -> bytes:
    client = Client(FetchSettings(**{"http_total": 3.0, **asked}), log)
    return client.read(Request(f"{url}/a?key=canary"))


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints\r\nLink: </style.css>"])
def test_interim_answers_are_passed_over(log: RecordedLog, interim: bytes) -> None:
    with talking(says(b"HTTP/1.1 %s\r\n\r\n" % interim * 3 + GOOD)) as url:
        assert read(url, log) == b"good"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\ngood",
        b"HTTP/1.1 200\r\nConnection: close\r\n\r\ngood",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ngo\r\n2;name=x\r\nod\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood and more than was announced",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\ngood",
        b"HTTP/1.1 200 OK\nContent-Length: 4\n\ngood",
    ],
    ids=["until the end", "no reason", "chunked", "too much", "encoding", "bare line feeds"],
)
def test_odd_answers_that_hold_the_body(log: RecordedLog, answer: bytes) -> None:
    with talking(says(answer)) as url:
        assert read(url, log) == b"good"


@pytest.mark.parametrize(
    "answer",
    [
        b"\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\ngood",
    ],
)
def test_broken_answers_are_asked_for_again(log: RecordedLog, answer: bytes) -> None:
    """Further ones are in test_answer.py and test_client.py."""
    with talking(says(answer), says(GOOD)) as url:
        assert read(url, log) == b"good"
    assert "GET error: " in str(log)
    assert "canary" not in str(log)


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        (hangs, "no answer in time"),
        (drips(GOOD * 99), "no answer in time"),
        (drips(b"HTTP/1.1 103 Early\r\n\r\n" * 99), "no answer in time"),
        (
            says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ngood", hold=60),
            "the body is not complete (4 bytes arrived)",
        ),
        (says(b"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nlate", hold=60), "HTTP status 503 Busy: late"),
    ],
    ids=["silence", "slow headers", "slow interim answers", "half a body", "half an error"],
)
def test_no_server_can_outlast_the_time_for_everything(log: RecordedLog, talk: Talk, told: str) -> None:
    began = time.monotonic()
    with talking(talk) as url, pytest.raises(FetchFailed) as failed:
        read(url, log, http_total=0.5)
    assert time.monotonic() - began < SOON
    assert told in f"{log} {failed.value.message}"


def test_a_refusal_whose_words_never_end_is_still_a_refusal(log: RecordedLog) -> None:
    endless = says(b"HTTP/1.1 403 No\r\nContent-Length: 900\r\n\r\nno, ", hold=60)
    with talking(endless) as url, pytest.raises(FetchFailed, match="HTTP status 403 No: no,"):
        read(url, log, http_total=0.5)


@pytest.mark.parametrize("talk", [hangs, drips(b"\x16\x03\x03\x40\x00" + bytes(99))], ids=["silence", "drips"])
def test_a_handshake_ends_with_the_time_for_everything(log: RecordedLog, talk: Talk) -> None:
    began = time.monotonic()
    with talking(talk) as url, pytest.raises(FetchFailed, match="in time"):
        read(url.replace("http:", "https:"), log, http_total=0.5)
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("talk", [hangs, drips(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 99)], ids=["silence", "drips"])
def test_a_proxy_that_does_not_connect_does_not_either(log: RecordedLog, talk: Talk) -> None:
    began = time.monotonic()
    with talking(talk) as url, pytest.raises(FetchFailed, match="in time"):
        read("https://192.0.2.1", log, http_total=0.5, https_proxy=url)
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("path", ["/busy", "/dripping"])
def test_a_fetch_that_is_stopped_ends_soon(path: str) -> None:
    with serve({"/busy": Answer(status=503), "/dripping": Answer(b"x" * 999, drip=0.05)}) as served:
        fetcher = Fetcher()
        threading.Timer(0.5, fetcher.cancel).start()
        began = time.monotonic()
        with pytest.raises(FetchFailed):
            fetcher.configured_by(Config()).read(Resource(source=f"{served.url}{path}"))
    assert 0.4 < time.monotonic() - began < SOON


RACE = """
import sys, time
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.fetch.platforms.metadata_services import Http
from provision.fetch.platforms.context import fetch_context
from provision.fetch.platforms.sources import ConfigFile, together
from provision.log import silent
from provision.system.running_system.local_system import LocalSystem

class Later(ConfigFile):
    def fetch(self, place):
        time.sleep(0.5)
        return super().fetch(place)

running_system = LocalSystem(SystemPaths(config_file=sys.argv[2]))
print(together(Http(sys.argv[1], "/c"), Later()).fetch(fetch_context(running_system, FetchSettings(), silent)))
"""


def test_a_source_that_lost_the_race_does_not_delay_the_end(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"from the file")
    with talking(hangs) as url:
        began = time.monotonic()
        command = [sys.executable, "-c", RACE, url, str(tmp_path / "config")]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        took = time.monotonic() - began
    assert said == "b'from the file'\n"
    assert took < 30


@pytest.mark.disks
@needs_root
def test_a_file_that_fails_ends_the_wait_for_the_others(tmp_path: Path) -> None:
    with serve({"/busy": Answer(status=503)}) as served:
        config = Config(
            storage=Storage(
                files=tuple(
                    File(path=f"/{name}", contents=Resource(source=f"{served.url}/{name}"))
                    for name in ("busy", "missing")
                )
            )
        )
        machine = Machine(str(tmp_path), KernelDevices(), BootState())
        began = time.monotonic()
        try:
            with pytest.raises(FetchFailed, match="missing: resource not found"):
                Engine(machine, Fetcher(), lambda _step: None).run(load_stage("files"), config)
        finally:
            machine.release()
    assert time.monotonic() - began < 30


def test_bytes_after_a_body_are_not_read_as_the_next_answer(log: RecordedLog) -> None:
    def talk(channel: socket.socket) -> None:
        says(GOOD + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", hold=0.3)(channel)

    with talking(talk) as url:
        client = Client(FetchSettings(http_total=3), log)
        assert [client.read(Request(f"{url}/{n}")) for n in range(3)] == [b"good"] * 3


def test_tls_before_1_2_is_refused(log: RecordedLog, ca: Authority) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.load_cert_chain(ca.issue("localhost"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1

    def talk(channel: socket.socket) -> None:
        with old.wrap_socket(channel, server_side=True) as safe:
            says(GOOD)(safe)

    with talking(talk) as url, pytest.raises(FetchFailed, match="TLS: ") as failed:
        read(url.replace("http:", "https:"), log, http_total=2, authorities=(ca.certificate,))
    assert "TLS 1.2" in failed.value.hint


@pytest.mark.disks
@needs_root
@pytest.mark.parametrize("size", [100, 100_000])
def test_a_full_disk_is_no_fault_of_the_network(tmp_path: Path, size: int) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], check=True)
    try:
        with suppress(OSError), (tmp_path / "others").open("wb", buffering=0) as others:
            while True:
                others.write(bytes(4096))
        into = (tmp_path / "into").open("wb")
        with serve({"/f": Answer(b"x" * size)}) as served, pytest.raises(FetchFailed) as failed:
            Fetcher(FetchSettings(http_total=3)).copy(Resource(source=f"{served.url}/f"), into)
        with suppress(OSError):  # closing tries to write the rest again, which fails, too
            into.close()
    finally:
        subprocess.run(["umount", tmp_path], check=True)
    assert "could not be written: No space left on device" in failed.value.message
    assert "make room" in failed.value.hint
    assert len(served.asked) == 1


@pytest.mark.parametrize(("written", "sent"), [(" padded\t", b"padded"), ("gr\u00fcn", "gr\u00fcn".encode())])
def test_header_values_are_sent_as_ignition_sends_them(written: str, sent: bytes) -> None:
    with serve({"/f": Answer(b"")}) as served:
        header = HttpHeader(name="X-Own", value=Secret(written))
        Fetcher(FetchSettings(http_total=3)).read(Resource(source=f"{served.url}/f", http_headers=(header,)))
    assert served.asked[0].headers["x-own"].encode("latin-1") == sent


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_headers_cannot_smuggle_others(value: str) -> None:
    header = HttpHeader(name="X-Own", value=Secret(value))
    with serve({"/f": Answer(b"")}) as served, pytest.raises(FetchFailed) as failed:
        Fetcher(FetchSettings(http_total=1)).read(Resource(source=f"{served.url}/f", http_headers=(header,)))
    assert "Evil" not in failed.value.message
    assert not served.asked


lines = st.sampled_from([
    b"HTTP/1.1 200 OK", b"HTTP/1.1 206 Partial", b"HTTP/1.1 302 Found", b"HTTP/1.1 503 Busy", b"HTTP/1.0 404 No",
    b"Content-Length: 4", b"Content-Length: 99999999999999999999", b"Content-Length: x", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked, gzip", b"Connection: close", b"Location: /b", b"Location: http://[", b"Location: //",
    b"Location: http://127.0.0.1:1/\xff", b"Location: data:,x", b"Retry-After: 0", b"Retry-After: 1e9", b": x",
    b"\x80: \xff", b"Date: Sat, 21 Nov 2026 00:00:00 GMT",
    b"Retry-After: Sat, 99 Nov 99999 00:00:00 GMT", b" folded", b"", b"4\r\ngood\r\n0\r\n", b"good",
])  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(lines, st.binary(max_size=20)), max_size=8), st.sampled_from([b"\r\n", b"\n"]))
@example(
    [b"HTTP/1.1 503 Busy", b"Date: Sat, 21 Nov 2026 00:00:00 GMT", b"Retry-After: Sat, 1 Nov 99999 00:00:00 GMT"], b"\n"
)
def test_whatever_a_server_says_there_is_an_answer_or_a_failure_in_time(said: list[bytes], ending: bytes) -> None:
    began = time.monotonic()
    with talking(says(ending.join([*said, b"", b""]))) as url, suppress(FetchFailed):
        assert isinstance(Client(FetchSettings(http_total=0.1), silent).read(Request(f"{url}/a")), bytes)
    assert time.monotonic() - began < SOON


def test_a_bomb_in_pieces_is_stopped_before_it_fills_the_disk(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(8 << 20)) * 20
    with (
        (tmp_path / "into").open("wb") as into,
        serve({"/f": Answer(bomb)}) as served,
        pytest.raises(FetchFailed, match="200 times its size"),
    ):
        Fetcher(FetchSettings(http_total=10)).copy(Resource(source=f"{served.url}/f", compression="gzip"), into)
    assert (tmp_path / "into").stat().st_size < 80 << 20
