"""Reports to a real server: what they hold, and that they hold up no boot."""

from __future__ import annotations

import errno
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from provision.boot.status import SECONDS, SECONDS_AFTER_FAILURE, Event, Reporter, reported
from provision.failures import Failure
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.certificates import Authority
from tests.fetch.namespace import in_namespace, ip, needs_root
from tests.fetch.server import Answer, Asked, drips, hangs, serve, talking
from tests.recorded_log import RecordedLog


def reporter(url: str, log: RecordedLog, directory: Path) -> Reporter:
    return Reporter(
        f"{url}/events?key=canary", "urn:machine:1", FetchSettings(), log, str(directory / "private/status")
    )


def test_a_report_is_a_cloud_event(tmp_path: Path, log: RecordedLog) -> None:
    with serve({"/events?key=canary": Answer(status=202)}) as served:
        reporter(served.url, log, tmp_path).report(Event("failure", "disks", "no such disk", "look"))
    (asked,) = served.asked
    event = json.loads(asked.body)
    assert asked.headers["content-type"].startswith("application/cloudevents+json")
    assert (event["specversion"], event["source"]) == ("1.0", "urn:machine:1")
    assert event["type"] == "io.github.provision.failure"
    assert event["data"] == {"stage": "disks", "cause": "no such disk", "hint": "look"}


@pytest.mark.disks  # five seconds: not for the fast part of the tests
def test_reports_that_cannot_be_sent_wait_in_a_private_file_and_come_in_order(tmp_path: Path, log: RecordedLog) -> None:
    with serve({}) as gone:
        pass
    lost = reporter(gone.url, log, tmp_path)
    began = time.monotonic()
    lost.report(Event("start"))
    assert time.monotonic() - began < SECONDS + 30
    kept = tmp_path / "private/status"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    with serve({"/events?key=canary": Answer()}) as served:
        lost._replace(url=f"{served.url}/events?key=canary").report(Event("success"))
    assert [json.loads(asked.body)["type"].rpartition(".")[2] for asked in served.asked] == ["start", "success"]
    assert kept.read_text() == ""


def test_a_boot_reports_each_stage_and_its_end(tmp_path: Path, log: RecordedLog) -> None:
    def boot(stage: str, failure: Exception | None = None) -> None:
        with reported(stage, "metal", running_system, log):
            if failure:
                raise failure

    with serve(lambda _asked: Answer()) as served:
        (tmp_path / "proc").mkdir()
        (tmp_path / "proc/cmdline").write_text(f"quiet provision.status.url={served.url}/\n")
        running_system = LocalSystem(SystemPaths(), str(tmp_path))
        boot("fetch-offline")
        boot("umount")
        with pytest.raises(Failure):
            boot("disks", Failure("no such disk", hint="look"))
        with pytest.raises(OSError, match="Input/output"):
            boot("files", OSError(errno.EIO, "Input/output error"))
        with pytest.raises(KeyError):
            boot("files", KeyError("canary"))
    events = [json.loads(asked.body) for asked in served.asked]
    assert [(event["type"].rpartition(".")[2], event["data"]["stage"]) for event in events] == [
        ("start", "fetch-offline"),
        ("stage", "fetch-offline"),
        ("success", "umount"),
        ("failure", "disks"),
        ("failure", "files"),
        ("failure", "files"),
    ]
    assert events[-2]["data"]["cause"] == "Input/output error"
    assert events[-1]["data"]["cause"].startswith("a bug in provision: KeyError in boot/test_status.py")
    assert b"canary" not in served.asked[-1].body


@pytest.mark.disks
@needs_root
def test_packet_is_told_in_its_own_way(tmp_path: Path, log: RecordedLog, ca: Authority) -> None:
    def body() -> list[Asked]:
        with serve(lambda _asked: Answer(), "10.9.0.2", 80) as events:
            metadata = json.dumps({"phone_home_url": f"{events.url}/phone-home"}).encode()
            with serve({"/metadata": Answer(metadata)}, "10.9.0.3", 443, ca.issue("metadata.packet.net")):
                settings = FetchSettings(platform="packet", authorities=(ca.certificate,))
                told = Reporter("", "urn:machine:1", settings, log, str(tmp_path / "status"))
                for event in (
                    Event("start", "fetch-offline"),
                    Event("stage", "fetch"),
                    Event("failure", "disks", "no such disk"),
                ):
                    told.report(event)
                return events.asked

    asked = in_namespace(body, "10.9.0.2/32", "10.9.0.3/32", hosts="10.9.0.3 metadata.packet.net\n")
    assert {(one.method, one.path) for one in asked} == {("POST", "/events")}
    assert [json.loads(one.body) for one in asked] == [
        {"state": "running", "message": "[fetch] Ignition status: finished successfully"},
        {"state": "failed", "message": "[disks] Ignition error: no such disk"},
    ]


@pytest.mark.parametrize("url", ["", "garbage", "ftp://127.0.0.1/", "http://[", "http://127.0.0.1:99999/", "http://"])
def test_a_url_that_is_none_is_no_harm(tmp_path: Path, log: RecordedLog, url: str) -> None:
    reporter("", log, tmp_path)._replace(url=url).report(Event("start"))


def test_a_queue_that_cannot_be_kept_is_no_harm(tmp_path: Path, log: RecordedLog) -> None:
    (tmp_path / "private").write_text("not a folder")
    with serve({}) as served:
        reporter(served.url, log, tmp_path).report(Event("start"))
    assert "status reports not kept: " in str(log)


def test_a_queue_that_cannot_be_read_is_no_harm(tmp_path: Path, log: RecordedLog) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private/status").write_bytes(b"\xff\xfe\n")
    with serve(lambda _asked: Answer()) as served:
        reporter(served.url, log, tmp_path).report(Event("start"))
    assert len(served.asked) == 1


def nothing_listens(_stack: ExitStack) -> str:
    with serve({}) as gone:
        return gone.url


def a_silent_server(stack: ExitStack) -> str:
    return stack.enter_context(talking(hangs))


def a_dripping_server(stack: ExitStack) -> str:
    return stack.enter_context(talking(drips(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 900)))


def a_server_that_asks_to_wait(stack: ExitStack) -> str:
    return stack.enter_context(serve(lambda _asked: Answer(status=503, headers=(("Retry-After", "60"),)))).url


def a_server_that_speaks_no_tls(stack: ExitStack) -> str:
    return stack.enter_context(talking(hangs)).replace("http:", "https:")


def a_dead_name_server(stack: ExitStack) -> str:
    dead = stack.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
    dead.bind(("127.0.0.53", 53))
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "far")
    ip("address", "add", "10.9.0.2/24", "dev", "eth0")
    return "http://events.test"


SERVERS = (
    nothing_listens,
    a_silent_server,
    a_dripping_server,
    a_server_that_asks_to_wait,
    a_server_that_speaks_no_tls,
    a_dead_name_server,
)


@pytest.fixture(scope="module")
def held_up(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[list[float], list[str]]]:
    """For each server the seconds that three reports took, and the kinds of those that still wait. All at once."""

    def attempt(server: Callable[[ExitStack], str]) -> tuple[list[float], list[str]]:
        folder = tmp_path_factory.mktemp("status")
        taken = in_namespace(lambda: [*reporting(server, folder)], resolver="127.0.0.53")
        kept = (folder / "private/status").read_text().splitlines()
        return taken, [json.loads(line)["type"].rpartition(".")[2] for line in kept]

    with ThreadPoolExecutor(len(SERVERS)) as pool:
        return list(pool.map(attempt, SERVERS))


def reporting(server: Callable[[ExitStack], str], folder: Path) -> Iterator[float]:
    with ExitStack() as stack:
        told = reporter(server(stack), RecordedLog(), folder)
        for kind in ("start", "stage", "stage"):
            began = time.monotonic()
            told.report(Event(kind))
            yield time.monotonic() - began


@pytest.mark.disks
@needs_root
@pytest.mark.parametrize("number", range(len(SERVERS)), ids=[server.__name__ for server in SERVERS])
def test_no_server_holds_up_a_boot(held_up: list[tuple[list[float], list[str]]], number: int) -> None:
    (first, *others), waiting = held_up[number]
    assert first < SECONDS + 30
    assert all(seconds < SECONDS_AFTER_FAILURE + 30 for seconds in others)
    assert waiting == ["start", "stage", "stage"]


def test_a_server_in_trouble_is_asked_again_within_the_time(tmp_path: Path, log: RecordedLog) -> None:
    with serve({"/events?key=canary": [Answer(status=503), Answer()]}) as served:
        reporter(served.url, log, tmp_path).report(Event("start"))
    assert len(served.asked) == 2
    assert "canary" not in str(log)
