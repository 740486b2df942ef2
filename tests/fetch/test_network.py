"""A network that is not there yet: it is waited for by the kernel's events, explained, and does not cost the deadline.

Times are compressed: seconds stand for minutes. Each test has a network namespace of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from provision.failures import FetchFailed
from provision.fetch import network
from provision.fetch.client import Client
from provision.fetch.messages import Request
from provision.fetch.patience import Deadline, Vigil, pauses, retry_after
from provision.fetch.settings import Settings
from tests.fetch.conftest import Words
from tests.fetch.namespace import in_namespace, ip, needs_root
from tests.fetch.server import Answer, serve

pytestmark = [pytest.mark.disks, needs_root]


def dummy() -> None:
    """An interface with a carrier that needs no cable."""
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "far")
    ip("link", "set", "far", "up")


def later(seconds: float, *commands: tuple[str, ...]) -> None:
    def run() -> None:
        time.sleep(seconds)
        for command in commands:
            ip(*command)

    threading.Thread(target=run).start()


def fetched(url: str, words: Words, **settings: Any) -> Callable[[], bytes]:
    return lambda: Client(Settings(**{"http_total": 3.0, "network_wait": 5.0, **settings}), words).read(Request(url))


def test_without_interfaces_it_says_so() -> None:
    assert in_namespace(lambda: network.why_not("192.0.2.1"))[0] == "there is no network interface"


def test_the_ladder_of_reasons() -> None:
    def body() -> list[str]:
        dummy()
        reasons = [reason("no carrier")]
        ip("link", "set", "eth0", "up")
        reasons.append(reason("no address"))
        ip("address", "add", "10.9.0.2/24", "dev", "eth0")
        reasons.append(reason("no route"))
        return reasons

    assert in_namespace(body) == ["no carrier on far, eth0", "no address on far, eth0 yet", "no route to 192.0.2.1"]


def reason(awaited: str) -> str:
    """What keeps the network away; the kernel sets a link's carrier a moment after the link is up."""
    for _ in range(200):
        told = network.why_not("192.0.2.1")[0]
        if told.startswith(awaited):
            break
        time.sleep(0.01)
    return told


def test_a_late_address_is_waited_for_without_costing_the_deadline(words: Words) -> None:
    def body() -> tuple[bytes, float]:
        dummy()
        ip("link", "set", "eth0", "up")
        with serve({"/": Answer(b"hello")}, "0.0.0.0") as served:
            port = served.url.rpartition(":")[2]
            later(2.0, ("address", "add", "10.9.0.2/24", "dev", "eth0"))
            began = time.monotonic()
            got = fetched(f"http://10.9.0.2:{port}/", words, http_total=1.0)()
            return got, time.monotonic() - began

    got, took = in_namespace(body)
    assert got == b"hello"
    assert 1.9 < took < 2.6  # the event woke it, not the look every five seconds


def test_no_network_at_all_ends_with_the_reason(words: Words) -> None:
    with pytest.raises(FetchFailed, match="no network: there is no network interface"):
        in_namespace(fetched("http://192.0.2.1/", words, network_wait=0.5))


def test_a_link_that_flaps_is_survived(words: Words) -> None:
    def body() -> bytes:
        dummy()
        ip("link", "set", "eth0", "up")
        ip("address", "add", "10.9.0.2/24", "dev", "eth0")
        with serve({"/": Answer(b"hello", pause=0.3)}, "0.0.0.0") as served:
            port = served.url.rpartition(":")[2]
            ip("address", "flush", "dev", "eth0")
            later(0.3, ("address", "add", "10.9.0.2/24", "dev", "eth0"))
            later(0.5, ("link", "set", "eth0", "down"), ("address", "flush", "dev", "eth0"))
            later(1.2, ("link", "set", "eth0", "up"), ("address", "add", "10.9.0.2/24", "dev", "eth0"))
            return fetched(f"http://10.9.0.2:{port}/", words, http_response_headers=1.0)()

    assert in_namespace(body) == b"hello"


def test_a_dead_name_server_is_explained(words: Words) -> None:
    def body() -> None:
        dummy()
        ip("link", "set", "eth0", "up")
        ip("address", "add", "10.9.0.2/24", "dev", "eth0")
        fetched("http://config.example/", words, http_total=1.0)()

    with pytest.raises(FetchFailed) as failed:
        in_namespace(body)
    assert "name not resolved" in failed.value.message
    assert "DNS" in failed.value.hint


def test_ipv6_alone_is_enough(words: Words) -> None:
    def body() -> bytes:
        with serve({"/": Answer(b"six")}, "fd00::5") as served:
            return fetched(f"{served.url}/", words)()

    assert in_namespace(body, "fd00::5/128") == b"six"


@pytest.mark.parametrize("dead", ["10.9.0.77", "fd00::77"])
def test_a_dead_half_of_dual_stack_does_not_hold_up_the_other(words: Words, dead: str) -> None:
    """One family's address does not answer at all (its packets are dropped); the other's does."""

    def body() -> tuple[bytes, float]:
        dummy()
        ip("link", "set", "eth0", "up")
        ip("address", "add", "10.9.0.2/24", "dev", "eth0")
        ip("address", "add", "fd00::2/64", "dev", "eth0", "nodad")
        alive = "fd00::2" if "." in dead else "10.9.0.2"
        with serve({"/": Answer(b"hello")}, alive) as served:
            port = served.url.rpartition(":")[2]
            began = time.monotonic()
            return fetched(f"http://both.test:{port}/", words)(), time.monotonic() - began

    alive = "fd00::2" if "." in dead else "10.9.0.2"
    got, took = in_namespace(body, hosts=f"{dead} both.test\n{alive} both.test\n")
    assert got == b"hello"
    assert took < 1.5


def test_a_captive_portal_is_seen_for_what_it_is(words: Words) -> None:
    def body() -> None:
        with serve({"/c": Answer(b"<html>Please log in", 511)}, "10.9.0.2") as served:
            fetched(f"{served.url}/c", words, http_total=0.5)()

    with pytest.raises(FetchFailed) as failed:
        in_namespace(body, "10.9.0.2/32")
    assert "HTTP status 511" in failed.value.message
    assert "Please log in" in failed.value.message
    assert "captive portal" in failed.value.hint


def test_a_redirect_from_elsewhere_may_not_lead_to_metadata_by_address_or_by_name(words: Words) -> None:
    def body(target: str) -> list[str]:
        with (
            serve({"/secret": Answer(b"credentials")}, "169.254.169.254", 80) as metadata,
            serve({"/a": Answer(status=302, headers=(("Location", target),))}, "10.9.0.2") as served,
        ):
            with pytest.raises(FetchFailed, match="a redirect may not lead to"):
                fetched(f"{served.url}/a", words)()
            return [one.path for one in metadata.asked]

    places = ("10.9.0.2/32", "169.254.169.254/32")
    hosts = "169.254.169.254 innocent.example\n"
    for target in ("http://169.254.169.254/secret", "http://innocent.example/secret", "http://127.0.0.1/secret"):
        assert in_namespace(lambda target=target: body(target), *places, hosts=hosts) == []  # type: ignore[misc]


def test_what_is_waited_for_is_said_on_the_console() -> None:
    vigil = Vigil("http://config.example/a", Deadline(120), lambda _level, _message: None)
    vigil.explain("no carrier on eth0", "check the cable", Deadline(120))
    words = vigil.words(15)
    assert words == "waiting for http://config.example/a for 15 s (120 s left): no carrier on eth0; check the cable"


def test_the_console_hears_after_five_seconds(words: Words) -> None:
    with pytest.raises(FetchFailed):
        in_namespace(fetched("http://192.0.2.1/", words, network_wait=5.5))
    (said,) = words.at("notice")
    assert said.startswith("waiting for http://192.0.2.1/ for 5 s (")
    assert "there is no network interface; is the driver in the initramfs?" in said


def test_pauses_grow_to_five_seconds_and_differ() -> None:
    every = [pause for pause, _ in zip(pauses(), range(20), strict=False)]
    assert 0.1 <= every[0] <= 0.3
    assert all(2.5 <= pause <= 7.5 for pause in every[8:])
    assert len(set(every)) == len(every)


def test_a_fleet_that_is_told_to_come_back_spreads() -> None:
    moments = [retry_after(10.0, 0.2) for _ in range(1000)]
    assert min(moments) >= 10.0
    assert max(sum(10 + tenth / 2 <= moment < 10.5 + tenth / 2 for moment in moments) for tenth in range(10)) < 160
