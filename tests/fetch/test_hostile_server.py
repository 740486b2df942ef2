"""Whatever a server does, a feature that asks it ends in time, and the message of a failure holds no secret."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.boot.status import Event, Reporter
from provision.config.format import Config, ConfigResource, Ignition, IgnitionConfig, Resource
from provision.failures import Failure
from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Request
from provision.fetch.platforms.context import fetch_context
from provision.fetch.platforms.metadata_services import Http, TokenRequest
from provision.fetch.references import render
from provision.fetch.resources import Fetcher
from provision.fetch.retry import now
from provision.fetch.settings import FetchSettings
from provision.fetch.user_data.reading import read_config
from provision.log import silent
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.hostile import HOSTILE
from tests.fetch.server import talking
from tests.recorded_log import RecordedLog

pytestmark = pytest.mark.slow

SECONDS = 0.8
SLACK = 30.0
"""Seconds that processors which are busy with all of this may take."""

Feature = Callable[[str, FetchSettings, RecordedLog, Path], object]


def plain(url: str, limits: FetchSettings, log: RecordedLog, _folder: Path) -> object:
    return Client(limits, log).read(Request(f"{url}/a?key=canary"))


def over_tls(url: str, limits: FetchSettings, log: RecordedLog, folder: Path) -> object:
    return plain(url.replace("http:", "https:"), limits, log, folder)


def a_compressed_file(url: str, limits: FetchSettings, log: RecordedLog, _folder: Path) -> object:
    into = BytesIO()
    Fetcher(limits, log).copy(Resource(source=f"{url}/a?key=canary", compression="gzip"), into, 1 << 20)
    return into


def a_config(url: str, limits: FetchSettings, log: RecordedLog, _folder: Path) -> object:
    return read_config(Fetcher(limits, log).read(Resource(source=f"{url}/a?key=canary"), 4 << 20), "a", log)


def a_metadata_service(url: str, limits: FetchSettings, log: RecordedLog, _folder: Path) -> object:
    service = Http(url, "/a?key=canary", token=TokenRequest("/token?key=canary", (), "X-Token"))
    return service.fetch(fetch_context(LocalSystem(), limits, log))


def a_status_report(url: str, limits: FetchSettings, log: RecordedLog, folder: Path) -> object:
    Reporter(f"{url}/a?key=canary", "urn:x", limits, log, str(folder / "status")).report(Event("start"))
    raise Failure("a report fails silently")


FEATURES: Mapping[str, Feature] = {
    feature.__name__: feature
    for feature in (plain, over_tls, a_compressed_file, a_config, a_metadata_service, a_status_report)
}


def meet(name: str, feature: Feature, limits: FetchSettings, folder: Path) -> tuple[float, str]:
    """The seconds that a feature took with a server, and all messages."""
    log = RecordedLog()
    folder.mkdir()
    with talking(HOSTILE[name]) as url:
        began = time.monotonic()
        try:
            feature(url, limits, log, folder)
            said = "fetched"
        except Failure as failure:
            said = f"{failure.message} {failure.hint}"
        return time.monotonic() - began, f"{said}\n{log}"


@pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)
def test_no_server_holds_up_a_feature_or_breaks_it(feature: Feature, tmp_path: Path) -> None:
    limit = 5.0 if feature is a_status_report else SECONDS
    with ThreadPoolExecutor(len(HOSTILE)) as pool:
        met = {
            name: pool.submit(meet, name, feature, FetchSettings(http_total=SECONDS), tmp_path / str(number))
            for number, name in enumerate(HOSTILE)
        }
    results = {name: one.result() for name, one in met.items()}
    assert {name: seconds for name, (seconds, _) in results.items() if seconds > limit + SLACK} == {}
    assert {name: said for name, (_, said) in results.items() if "canary" in said} == {}


PARTS = st.sampled_from(
    [
        "a",
        "..",
        ":",
        "@",
        "[",
        "]",
        "%",
        "%2e",
        "/",
        "?",
        "#",
        "\\",
        " ",
        "\x00",
        "\u00fc",
        "\udc80",
        "127.0.0.1",
        "::1",
        "0",
        "65536",
        "-1",
        "x" * 64,
    ]
)


@given(
    st.sampled_from(["http://", "https://", "tftp://", "s3://", "gs://", "arn:aws:s3:", "http:", "//", ""]),
    st.lists(PARTS, max_size=6),
)
@settings(max_examples=150)
def test_any_url_is_fetched_or_is_a_failure(scheme: str, parts: list[str]) -> None:
    limits = FetchSettings(http_total=0.05, network_wait=0.01, ends_at=now() + 0.3)
    with suppress(Failure):
        Fetcher(limits).read(Resource(source=scheme + "".join(parts)))


@pytest.mark.parametrize("name", ["silence", "slow trailers", "a slow chunk extension", "slow headers"])
def test_an_overall_deadline_ends_what_has_no_limit_of_its_own(name: str, tmp_path: Path) -> None:
    seconds, said = meet(name, plain, FetchSettings(ends_at=now() + 0.5, http_response_headers=0), tmp_path / "a")
    assert seconds < SLACK
    assert "in time" in said


def test_an_overall_deadline_holds_for_what_a_config_names_too() -> None:
    """A config sets a limit for each fetch, or none; the overall deadline applies to all of them."""
    with talking(HOSTILE["slow trailers"]) as url:
        merged = ConfigResource(source=f"{url}/a")
        config = Config(ignition=Ignition(version="3.4.0", config=IgnitionConfig(merge=(merged,))))
        began = time.monotonic()
        with pytest.raises(Failure, match="in time"):
            render(config, Fetcher(FetchSettings.within(0.5)), silent)
        assert time.monotonic() - began < SLACK
