"""Reports to a real server: what they hold, and that they wait for nobody."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from provision.failures import Failure
from provision.fetch.ground import Places
from provision.fetch.settings import Settings
from provision.fetch.status import SECONDS, Event, Reporter, reported
from provision.system.ground import MachineGround
from tests.fetch.certificates import Authority
from tests.fetch.conftest import Words
from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.server import Answer, Asked, serve


def reporter(url: str, words: Words, directory: Path) -> Reporter:
    return Reporter(f"{url}/events?key=canary", "urn:machine:1", Settings(), words, str(directory / "private/status"))


def test_a_report_is_a_cloud_event(tmp_path: Path, words: Words) -> None:
    with serve({"/events?key=canary": Answer(status=202)}) as served:
        reporter(served.url, words, tmp_path).tell(Event("failure", "disks", "no such disk", "look"))
    (asked,) = served.asked
    event = json.loads(asked.body)
    assert asked.headers["content-type"].startswith("application/cloudevents+json")
    assert (event["specversion"], event["source"]) == ("1.0", "urn:machine:1")
    assert event["type"] == "io.github.provision.failure"
    assert event["data"] == {"stage": "disks", "cause": "no such disk", "hint": "look"}


def test_reports_that_cannot_be_sent_wait_in_a_private_file_and_come_in_order(tmp_path: Path, words: Words) -> None:
    with serve({}) as gone:
        pass
    lost = reporter(gone.url, words, tmp_path)
    began = time.monotonic()
    lost.tell(Event("start"))
    assert time.monotonic() - began < SECONDS + 1
    kept = tmp_path / "private/status"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    with serve({"/events?key=canary": Answer()}) as served:
        lost._replace(url=f"{served.url}/events?key=canary").tell(Event("success"))
    assert [json.loads(asked.body)["type"].rpartition(".")[2] for asked in served.asked] == ["start", "success"]
    assert kept.read_text() == ""


def test_a_boot_reports_each_stage_and_its_end(tmp_path: Path, words: Words) -> None:
    def boot(stage: str, failure: Failure | None = None) -> None:
        with reported(stage, "metal", ground, words):
            if failure:
                raise failure

    with serve(lambda _asked: Answer()) as served:
        (tmp_path / "proc").mkdir()
        (tmp_path / "proc/cmdline").write_text(f"quiet provision.status.url={served.url}/\n")
        ground = MachineGround(Places(), str(tmp_path))
        boot("fetch-offline")
        boot("umount")
        with pytest.raises(Failure):
            boot("disks", Failure("no such disk", hint="look"))
    events = [json.loads(asked.body) for asked in served.asked]
    assert [(event["type"].rpartition(".")[2], event["data"]["stage"]) for event in events] == [
        ("start", "fetch-offline"),
        ("stage", "fetch-offline"),
        ("success", "umount"),
        ("failure", "disks"),
    ]


@pytest.mark.disks
@needs_root
def test_packet_is_told_in_its_own_way(tmp_path: Path, words: Words, ca: Authority) -> None:
    def body() -> list[Asked]:
        with serve(lambda _asked: Answer(), "10.9.0.2", 80) as events:
            metadata = json.dumps({"phone_home_url": f"{events.url}/phone-home"}).encode()
            with serve({"/metadata": Answer(metadata)}, "10.9.0.3", 443, ca.issue("metadata.packet.net")):
                settings = Settings(platform="packet", authorities=(ca.certificate,))
                told = Reporter("", "urn:machine:1", settings, words, str(tmp_path / "status"))
                told.tell(Event("failure", "disks", "no such disk"))
                return events.asked

    (asked,) = in_namespace(body, "10.9.0.2/32", "10.9.0.3/32", hosts="10.9.0.3 metadata.packet.net\n")
    assert (asked.method, asked.path) == ("POST", "/events")
    assert json.loads(asked.body) == {"state": "failed", "message": "[disks] Ignition no such disk"}


def test_a_server_in_trouble_is_asked_again_within_the_time(tmp_path: Path, words: Words) -> None:
    with serve({"/events?key=canary": [Answer(status=503), Answer()]}) as served:
        reporter(served.url, words, tmp_path).tell(Event("start"))
    assert len(served.asked) == 2
    assert "canary" not in str(words)
