"""Reports to a real server: what they hold, and that they wait for nobody."""

from __future__ import annotations

import json
import time
from pathlib import Path

from provision.fetch.settings import Settings
from provision.fetch.status import SECONDS, Event, Reporter
from tests.fetch.conftest import Words
from tests.fetch.server import Answer, serve

MOMENT = "2026-11-21T02:00:00Z"


def reporter(url: str, words: Words, directory: Path) -> Reporter:
    return Reporter(f"{url}/events?key=canary", "urn:machine:1", Settings(), words, str(directory / "private/status"))


def test_a_report_is_a_cloud_event(tmp_path: Path, words: Words) -> None:
    with serve({"/events?key=canary": Answer(status=202)}) as served:
        reporter(served.url, words, tmp_path).tell(Event("failure", "disks", "no such disk", "look"), MOMENT)
    (asked,) = served.asked
    event = json.loads(asked.body)
    assert asked.headers["content-type"].startswith("application/cloudevents+json")
    assert (event["specversion"], event["time"], event["source"]) == ("1.0", MOMENT, "urn:machine:1")
    assert event["type"] == "io.github.provision.failure"
    assert event["data"] == {"stage": "disks", "cause": "no such disk", "hint": "look"}


def test_reports_that_cannot_be_sent_wait_in_a_private_file_and_come_in_order(tmp_path: Path, words: Words) -> None:
    with serve({}) as gone:
        pass
    lost = reporter(gone.url, words, tmp_path)
    began = time.monotonic()
    lost.tell(Event("start"), MOMENT)
    assert time.monotonic() - began < SECONDS + 1
    kept = tmp_path / "private/status"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    with serve({"/events?key=canary": Answer()}) as served:
        lost._replace(url=f"{served.url}/events?key=canary").tell(Event("success"), MOMENT)
    assert [json.loads(asked.body)["type"].rpartition(".")[2] for asked in served.asked] == ["start", "success"]
    assert kept.read_text() == ""


def test_a_server_in_trouble_is_asked_again_within_the_time(tmp_path: Path, words: Words) -> None:
    with serve({"/events?key=canary": [Answer(status=503), Answer()]}) as served:
        reporter(served.url, words, tmp_path).tell(Event("start"), MOMENT)
    assert len(served.asked) == 2
    assert "canary" not in str(words)
