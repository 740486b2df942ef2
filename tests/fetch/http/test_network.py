"""A network that is not up yet, or is wrong: a boot waits for the kernel's events and explains on the console what is
missing, and the wait does not use up the deadline.

Times are shorter than in a boot: seconds in place of minutes. Each case has its own network namespace.
"""

from __future__ import annotations

import re
import resource as limits
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from provision.config.format import Config
from provision.failures import Failure
from provision.fetch.find_config import find_config
from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Request
from provision.fetch.http.network import LinkEvents
from provision.fetch.platforms.context import fetch_context
from provision.fetch.platforms.drives import Drive
from provision.fetch.platforms.metadata_services import Http
from provision.fetch.platforms.sources import together
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.fetch.stop_event import StopEvent
from provision.system.running_system.local_system import LocalSystem
from tests.fetch import daemons
from tests.fetch.certificates import Authority
from tests.fetch.namespace import in_namespace, ip, needs_root
from tests.fetch.server import Answer, serve
from tests.recorded_log import RecordedLog

pytestmark = [pytest.mark.disks, daemons.needs_dnsmasq, needs_root]

CONFIG = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-the-net"}]}}'
PAGE = "/c?key=canary"
HERE, NEIGHBOUR = "10.9.0.2", "10.9.0.77"


def link(*addresses: str) -> None:
    """An interface with a carrier that needs no cable, and its addresses."""
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "far")
    ip("link", "set", "far", "up")
    ip("link", "set", "eth0", "up")
    for address in addresses:
        ip("address", "add", address, "dev", "eth0", *(("nodad",) if ":" in address else ()))


def later(seconds: float, *commands: tuple[str, ...]) -> None:
    def run() -> None:
        time.sleep(seconds)
        for command in commands:
            ip(*command)

    threading.Thread(target=run).start()


# ---------------------------------------------------------------- what a person at the console reads


class Seen(NamedTuple):
    """The result of a boot, and what the console showed meanwhile."""

    config: Config | None
    failure: Failure | None
    console: list[str]


SECONDS = 5.8
"""How long each case tries: until after the first words on the console, which come after 5 s."""


class Case(NamedTuple):
    """A network, the console's text after 5 s, and the final error: "" if the machine gets its config."""

    network: Callable[[ExitStack, Authority], str]
    console: str
    end: str


def no_interface(_stack: ExitStack, _ca: Authority) -> str:
    return "http://192.0.2.1"


def no_carrier(_stack: ExitStack, _ca: Authority) -> str:
    link()
    ip("link", "set", "far", "down")
    return "http://192.0.2.1"


def no_lease(_stack: ExitStack, _ca: Authority) -> str:
    link()
    return "http://192.0.2.1"


def a_late_lease(stack: ExitStack, _ca: Authority) -> str:
    link()
    later(5.3, ("address", "add", f"{HERE}/24", "dev", "eth0"))
    return stack.enter_context(serve({PAGE: Answer(CONFIG)}, "0.0.0.0")).url.replace("0.0.0.0", HERE)


def no_route(_stack: ExitStack, _ca: Authority) -> str:
    link(f"{HERE}/24")
    return "http://192.0.2.1"


def a_dead_name_server(stack: ExitStack, _ca: Authority) -> str:
    link(f"{HERE}/24")
    dead = stack.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
    dead.bind(("127.0.0.53", 53))
    return "http://config.test"


def a_wrong_name(stack: ExitStack, _ca: Authority) -> str:
    link(f"{HERE}/24")
    stack.enter_context(daemons.names("127.0.0.53"))
    return "http://config.test"


def no_host_there(_stack: ExitStack, _ca: Authority) -> str:
    link(f"{HERE}/24")
    return f"http://{NEIGHBOUR}"


def a_firewall(_stack: ExitStack, _ca: Authority) -> str:
    link(f"{HERE}/24")
    ip("neighbour", "add", NEIGHBOUR, "lladdr", "02:00:00:00:00:01", "dev", "eth0")
    return f"http://{NEIGHBOUR}"


def a_closed_port(_stack: ExitStack, _ca: Authority) -> str:
    return "http://127.0.0.1:9"


def a_silent_server(stack: ExitStack, _ca: Authority) -> str:
    return stack.enter_context(serve({PAGE: Answer(pause=9)})).url


def a_login_page(stack: ExitStack, _ca: Authority) -> str:
    return stack.enter_context(serve({PAGE: Answer(b"<html>Please\tlog in", 511)})).url


def a_redirect_to_a_login_page(stack: ExitStack, _ca: Authority) -> str:
    page = stack.enter_context(serve({"/login": Answer(b"<!DOCTYPE html><title>Log in</title>")}))
    return stack.enter_context(serve({PAGE: Answer(status=302, headers=(("Location", f"{page.url}/login"),))})).url


def an_overloaded_server(stack: ExitStack, _ca: Authority) -> str:
    return stack.enter_context(serve({PAGE: Answer(b"\0\ndatabase is\r\nlocked\n", 503)})).url


def a_slow_server(stack: ExitStack, _ca: Authority) -> str:
    return stack.enter_context(serve({PAGE: Answer(CONFIG, drip=0.1)})).url


def an_unknown_authority(stack: ExitStack, ca: Authority) -> str:
    return stack.enter_context(serve({PAGE: Answer(CONFIG)}, tls=ca.issue("localhost"))).url


MATRIX: Mapping[str, Case] = {
    "no interface": Case(
        no_interface,
        "there is no network interface; is the driver in the initramfs?",
        "no network: there is no network interface",
    ),
    "no carrier": Case(
        no_carrier,
        "no carrier on far, eth0; check the cable or the virtual network",
        "no network: no carrier on far, eth0",
    ),
    "no lease": Case(
        no_lease,
        "no address on far, eth0 yet; no DHCP lease: check the DHCP server, or set a static address with ip=",
        "no network: no address on far, eth0 yet",
    ),
    "a late lease": Case(a_late_lease, "no address on far, eth0 yet; no DHCP lease: check the DHCP server, or", ""),
    "no route": Case(
        no_route,
        "no route to 192.0.2.1; check the gateway and the netmask",
        "no network: no route to 192.0.2.1",
    ),
    "a dead name server": Case(
        a_dead_name_server,
        "name not resolved yet; check the DNS servers and the spelling of the host",
        "in time: name not resolved (the name servers do not answer)",
    ),
    "a wrong name": Case(
        a_wrong_name,
        "name not resolved (Name or service not known); check the DNS servers and the spelling of the host",
        "in time: name not resolved (Name or service not known)",
    ),
    "nobody there": Case(
        no_host_there,
        "No route to host; is the host switched on and in this network?",
        "in time: ",
    ),
    "a firewall": Case(
        a_firewall,
        "no connection to port 80 yet; does a firewall drop the packets?",
        "in time: 10.9.0.77 does not answer",
    ),
    "a closed port": Case(
        a_closed_port,
        "Connection refused; is the server running, and is it the right port?",
        "in time: Connection refused",
    ),
    "a silent server": Case(
        a_silent_server, "connected, but no answer yet; is the server overloaded?", "in time: no answer in time"
    ),
    "a login page": Case(
        a_login_page,
        "HTTP status 511 Network Authentication Required: <html>Please log in; a captive portal requires a login",
        "in time: HTTP status 511 Network Authentication Required: <html>Please log in",
    ),
    "a redirect to a login page": Case(
        a_redirect_to_a_login_page, "", "this is a web page, perhaps a captive portal's, not an Ignition config"
    ),
    "an overloaded server": Case(
        an_overloaded_server,
        "HTTP status 503 Service Unavailable: database is locked",
        "in time: HTTP status 503 Service Unavailable: database is locked",
    ),
    "a slow server": Case(a_slow_server, "it is arriving, 0.0 MiB so far", "in time: the body is not complete (5"),
    "an unknown authority": Case(
        an_unknown_authority,
        "TLS: unable to get local issuer certificate; add the issuer to ignition.security.tls.certificateAuthorities",
        "in time: TLS: unable to get local issuer certificate",
    ),
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, ca: Authority) -> Mapping[str, Seen]:
    """All cases at once: each waits for most of its time."""

    def attempt(name: str) -> Seen:
        return in_namespace(lambda: boot(MATRIX[name], tmp_path_factory.mktemp("machine"), ca), resolver="127.0.0.53")

    with ThreadPoolExecutor(len(MATRIX)) as pool:
        return dict(zip(MATRIX, pool.map(attempt, MATRIX), strict=True))


def boot(case: Case, machine: Path, ca: Authority) -> Seen:
    log = RecordedLog()
    settings = FetchSettings(http_total=SECONDS, network_wait=SECONDS)
    with ExitStack() as stack:
        (machine / "proc").mkdir()
        (machine / "proc/cmdline").write_text(f"quiet ignition.config.url={case.network(stack, ca)}{PAGE}\n")
        try:
            acquired = find_config("metal", LocalSystem(SystemPaths(), str(machine)), settings, log)
        except Failure as failure:
            return Seen(None, failure, log.at("notice"))
        return Seen(acquired.config, None, log.at("notice"))


@pytest.mark.parametrize("name", MATRIX)
def test_each_network_provisions_or_explains(seen: Mapping[str, Seen], name: str) -> None:
    case, (config, failure, console) = MATRIX[name], seen[name]
    if case.console:
        (line,) = console
        told = re.fullmatch(r"waiting for (http\S+)/c for 5 s \((\d) s left\): (.*)", line)
        assert told, line
        assert case.console in told[3]
    if case.end:
        assert failure
        assert case.end in failure.message
        assert failure.hint or "web page" in failure.message
        assert "canary" not in f"{failure.message}{failure.hint}{console}"
    else:
        assert config
        assert [file.path for file in config.storage.files] == ["/from-the-net"]


# ---------------------------------------------------------------- what a network may do meanwhile


def fetched(url: str, log: RecordedLog, **settings: Any) -> Callable[[], bytes]:
    return lambda: Client(FetchSettings(**{"http_total": 3.0, "network_wait": 5.0, **settings}), log).read(Request(url))


@contextmanager
def everywhere(answer: Answer) -> Iterator[str]:
    """A server at all addresses, and its port."""
    with serve({"/": answer}, "0.0.0.0") as served:
        yield served.url.rpartition(":")[2]


def test_a_late_address_is_waited_for_without_costing_the_deadline(log: RecordedLog) -> None:
    def body() -> bytes:
        link()
        with everywhere(Answer(b"hello")) as port:
            later(2.0, ("address", "add", f"{HERE}/24", "dev", "eth0"))
            return fetched(f"http://{HERE}:{port}/", log, http_total=1.0)()

    assert in_namespace(body) == b"hello"


def test_an_event_ends_the_wait_for_a_route() -> None:
    def body() -> float:
        link()
        with closing(LinkEvents()) as events:
            later(0.1, ("address", "add", f"{HERE}/24", "dev", "eth0"))
            began = time.monotonic()
            events.wait(600.0, StopEvent())
            return time.monotonic() - began

    assert in_namespace(body) < 60


def test_a_name_server_that_comes_up_late_does_not_cost_the_deadline_either(log: RecordedLog) -> None:
    def body() -> bytes:
        link(f"{HERE}/24")

        def wake() -> None:
            time.sleep(2.0)
            stack.enter_context(daemons.names("127.0.0.53", config_test=HERE))

        with ExitStack() as stack, everywhere(Answer(b"hello")) as port:
            waker = threading.Thread(target=wake)
            waker.start()
            try:
                return fetched(f"http://config.test:{port}/", log, http_total=1.0)()
            finally:
                waker.join()

    assert in_namespace(body, resolver="127.0.0.53") == b"hello"
    assert "name not resolved" in str(log)


def test_sockets_work_with_many_open_files(log: RecordedLog) -> None:
    """The blob store holds an open file for each file of the config; select(2) refuses descriptors from 1024 on."""

    def body() -> bytes:
        link()
        with ExitStack() as stack, everywhere(Answer(b"hello")) as port:
            for _ in range(1100):
                stack.enter_context(open("/dev/null", "rb"))
            later(0.5, ("address", "add", f"{HERE}/24", "dev", "eth0"))
            return fetched(f"http://{HERE}:{port}/", log)()

    soft, hard = limits.getrlimit(limits.RLIMIT_NOFILE)
    limits.setrlimit(limits.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        assert in_namespace(body) == b"hello"
    finally:
        limits.setrlimit(limits.RLIMIT_NOFILE, (soft, hard))


def test_a_link_that_flaps_is_survived(log: RecordedLog) -> None:
    def body() -> bytes:
        link()
        address = ("address", "add", f"{HERE}/24", "dev", "eth0")
        with everywhere(Answer(b"hello", pause=0.3)) as port:
            later(0.3, address)
            later(0.5, ("link", "set", "eth0", "down"), ("address", "flush", "dev", "eth0"))
            later(1.2, ("link", "set", "eth0", "up"), address)
            return fetched(f"http://{HERE}:{port}/", log, http_response_headers=1.0)()

    assert in_namespace(body) == b"hello"


def test_ipv6_alone_is_enough(log: RecordedLog) -> None:
    def body() -> bytes:
        with daemons.names("::1", config_test="fd00::5"), serve({"/": Answer(b"six")}, "fd00::5") as served:
            return fetched(f"http://config.test:{served.url.rpartition(':')[2]}/", log)()

    assert in_namespace(body, "fd00::5/128", resolver="::1") == b"six"


@pytest.mark.parametrize("dead", [NEIGHBOUR, "fd00::77"])
@pytest.mark.parametrize("way", ["from the start", "later"])
def test_a_dead_half_of_dual_stack_does_not_hold_up_the_other(log: RecordedLog, dead: str, way: str) -> None:
    """The address of one family does not answer (its packets are dropped); that of the other does, or will."""
    alive = "fd00::2" if "." in dead else HERE
    ours = (
        "address",
        "add",
        *(("fd00::2/64", "dev", "eth0", "nodad") if ":" in alive else (f"{HERE}/24", "dev", "eth0")),
    )

    def body() -> tuple[bytes, float]:
        link("10.9.0.3/24" if "." in dead else "fd00::3/64")
        ip("neighbour", "add", dead, "lladdr", "02:00:00:00:00:01", "dev", "eth0")
        if way == "later":
            later(1.0, ours)
        else:
            ip(*ours)
        with serve({"/": Answer(b"hello")}, "::" if ":" in alive else "0.0.0.0") as served:
            port = served.url.rpartition(":")[2]
            began = time.monotonic()
            return fetched(f"http://both.test:{port}/", log, http_total=120.0)(), time.monotonic() - began

    got, took = in_namespace(body, hosts=f"{dead} both.test\n{alive} both.test\n")
    assert got == b"hello"
    assert took < 60


def test_an_address_that_failed_is_tried_again_while_another_is_silent(log: RecordedLog) -> None:
    """Otherwise the attempt lasts half a minute, until it gives up the silent one, although the other one answers."""

    def body() -> bytes:
        link("fd00::3/64")
        ip("neighbour", "add", "fd00::77", "lladdr", "02:00:00:00:00:01", "dev", "eth0")
        with ExitStack() as stack, socket.create_server((HERE, 0)) as taken:
            port = taken.getsockname()[1]
            taken.close()
            late = threading.Timer(1.0, lambda: stack.enter_context(serve({"/": Answer(b"hello")}, HERE, port)))
            late.start()
            try:
                return fetched(f"http://both.test:{port}/", log, http_total=120.0)()
            finally:
                late.join()

    assert in_namespace(body, f"{HERE}/32", hosts=f"fd00::77 both.test\n{HERE} both.test\n") == b"hello"
    assert len([line for line in log.at("info") if "attempt #" in line]) == 1


def test_a_source_that_lost_the_race_prints_no_more(log: RecordedLog, tmp_path: Path) -> None:
    """A source that still waits when another one has answered must print nothing more on the console."""

    def body() -> bytes | None:
        with serve({"/c": Answer(b"config")}, HERE, 80):
            context = fetch_context(LocalSystem(SystemPaths(), str(tmp_path)), FetchSettings(), log)
            got = together(Http("http://[fd00::1]", "/c"), Drive("config-2", ("/c",)), Http(f"http://{HERE}", "/c"))
            raw = got.fetch(context)
            time.sleep(5.3)
            return raw

    assert in_namespace(body, f"{HERE}/32") == b"config"
    assert log.at("notice") == []
