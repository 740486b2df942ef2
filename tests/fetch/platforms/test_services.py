"""Every platform with a metadata service, against a faithful copy of it at its real address.

    pytest tests/fetch/platforms -k hetzner

runs all cases for one platform. To add a platform, write its service in services.py and run this.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from provision.failures import ConfigInvalid, Failure, FetchFailed, NeedsNetwork
from provision.fetch.find_config import FoundConfig, find_config
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.certificates import Authority
from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.platforms import paths
from tests.fetch.platforms.services import SERVICES, Service, good_token, respond
from tests.fetch.server import Answer, Asked, Served, serve
from tests.recorded_log import RecordedLog

pytestmark = [pytest.mark.disks, needs_root]
on_services = pytest.mark.parametrize("platform", SERVICES)
with_tokens = pytest.mark.parametrize("platform", [name for name, service in SERVICES.items() if service.token_service])

YAML = b"variant: fcos\nversion: 1.4.0\nstorage: {files: [{path: /from-the-cloud}]}\n"
CONFIG = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-the-cloud"}]}}'


class Cloud(NamedTuple):
    """What a test needs to boot on a platform."""

    root: Path
    log: RecordedLog
    ca: Authority

    def boot(self, platform: str, *answers: Answer, addresses: tuple[str, ...] = ()) -> FoundConfig:
        """Boot where the service gives these answers in turn for the user data."""
        return self.visit(platform, *answers, addresses=addresses)[0]

    def boot_in_vain(self, platform: str, answer: Answer, total: float = 15.0) -> FoundConfig:
        """Boot where the service has no config; the other sources of the platform are given up soon after it."""
        return self._visit(platform, respond(SERVICES[platform], lambda: answer), (), total, grace=0.3)[0]

    def visit(
        self, platform: str, *answers: Answer, addresses: tuple[str, ...] = ()
    ) -> tuple[FoundConfig, list[Asked]]:
        """Boot, and return the requests that the service got."""
        return self._visit(platform, respond(SERVICES[platform], in_turn(*answers)), addresses)

    def ask_for_a_token(self, platform: str, *tokens: Answer, total: float = 15.0) -> FoundConfig:
        """Boot where the service has a config, and gives these answers in turn to requests for a token."""
        script = respond(SERVICES[platform], lambda: given(platform), in_turn(*tokens))
        return self._visit(platform, script, (), total)[0]

    def _visit(
        self,
        platform: str,
        script: Callable[[Asked], Answer],
        addresses: tuple[str, ...],
        total: float = 15.0,
        grace: float = 10.0,
    ) -> tuple[FoundConfig, list[Asked]]:
        service = SERVICES[platform]
        there = addresses or service.addresses[:1]
        settings = FetchSettings(
            http_total=total,
            http_response_headers=1.0,
            network_wait=1.0,
            grace=grace,
            authorities=(self.ca.certificate,),
        )

        def body() -> tuple[FoundConfig, list[Asked]]:
            with ExitStack() as stack:
                asked = [stack.enter_context(self._serve(service, address, script)).asked for address in there]
                running_system = LocalSystem(SystemPaths(), str(self.root))
                return find_config(platform, running_system, settings, self.log), [
                    one for some in asked for one in some
                ]

        hosts = f"127.0.0.1 localhost {service.host}\n" if service.host else ""
        return in_namespace(
            body, *(f"{one}/{128 if ':' in one else 32}" for one in there if one[:4] != "127."), hosts=hosts
        )

    def _serve(
        self, service: Service, address: str, script: Callable[[Asked], Answer]
    ) -> AbstractContextManager[Served]:
        tls = self.ca.issue(service.host) if service.tls else None
        return serve(script, address, 443 if service.tls else 80, tls)


@pytest.fixture
def cloud(platform: str, tmp_path: Path, log: RecordedLog, ca: Authority) -> Cloud:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("quiet\n")
    if SERVICES[platform].lease:
        leases = tmp_path / "run/systemd/netif/leases"
        leases.mkdir(parents=True)
        (leases / "2").write_text(SERVICES[platform].lease)
    return Cloud(tmp_path, log, ca)


def in_turn(*answers: Answer) -> Callable[[], Answer]:
    """Each of some answers, and then the last one for ever."""
    turns = iter(answers)
    return lambda: next(turns, answers[-1])


def given(platform: str, config: bytes = CONFIG) -> Answer:
    return Answer(SERVICES[platform].wrap(config))


@on_services
def test_config_present(platform: str, cloud: Cloud) -> None:
    acquired = cloud.boot(platform, given(platform))
    assert paths(acquired) == ["/from-the-cloud"]
    assert acquired.fetched[0].source == platform


@on_services
def test_config_at_the_other_address(platform: str, cloud: Cloud) -> None:
    others = SERVICES[platform].addresses[1:] or SERVICES[platform].addresses
    assert paths(cloud.boot(platform, given(platform), addresses=others)) == ["/from-the-cloud"]


@on_services
def test_config_absent(platform: str, cloud: Cloud) -> None:
    if SERVICES[platform].absent_is_error:
        with pytest.raises(FetchFailed, match="404"):
            cloud.boot_in_vain(platform, Answer(b"none", 404), total=3.0)
    else:
        assert not cloud.boot(platform, Answer(b"none", 404)).provided


@on_services
def test_config_empty(platform: str, cloud: Cloud) -> None:
    if platform == "azure":
        return  # an empty answer makes Azure's clients wait for a CD, for ever
    assert not cloud.boot(platform, Answer(b"")).provided


@on_services
def test_config_compressed(platform: str, cloud: Cloud) -> None:
    assert paths(cloud.boot(platform, given(platform, gzip.compress(CONFIG)))) == ["/from-the-cloud"]


@on_services
def test_config_of_people(platform: str, cloud: Cloud) -> None:
    assert paths(cloud.boot(platform, given(platform, YAML))) == ["/from-the-cloud"]


@on_services
def test_config_for_others(platform: str, cloud: Cloud) -> None:
    with pytest.raises(ConfigInvalid) as invalid:
        cloud.boot(platform, given(platform, b"#cloud-config\nruncmd: [a]\n"))
    assert "coreos-cloudinit has no key runcmd" in invalid.value.problems[0].message


@on_services
def test_config_not_wrapped(platform: str, cloud: Cloud) -> None:
    if SERVICES[platform].wrap is not bytes:
        with pytest.raises(FetchFailed, match="the user data is not base64"):
            cloud.boot(platform, Answer(CONFIG))


@with_tokens
class TestToken:
    """Services that want a token: the step before the config."""

    def test_none_to_be_had(self, platform: str, cloud: Cloud) -> None:
        token_service = SERVICES[platform].token_service
        if token_service and token_service.optional:
            assert paths(cloud.ask_for_a_token(platform, Answer(b"no token service", 404))) == ["/from-the-cloud"]
        else:
            with pytest.raises(FetchFailed, match=r"/token.*404"):
                cloud.ask_for_a_token(platform, Answer(b"no token service", 404))

    def test_refused(self, platform: str, cloud: Cloud) -> None:
        with pytest.raises(FetchFailed, match=r"/token.*HTTP status 403.*switched off"):
            cloud.ask_for_a_token(platform, Answer(b"switched off", 403))

    def test_empty(self, platform: str, cloud: Cloud) -> None:
        with pytest.raises(FetchFailed, match="/token: the token is empty"):
            cloud.ask_for_a_token(platform, Answer(b" \n"))

    def test_trouble_and_then_well(self, platform: str, cloud: Cloud) -> None:
        acquired = cloud.ask_for_a_token(platform, Answer(b"", 503), good_token()._replace(missing=9), good_token())
        assert paths(acquired) == ["/from-the-cloud"]

    def test_slow(self, platform: str, cloud: Cloud) -> None:
        assert paths(cloud.ask_for_a_token(platform, good_token()._replace(pause=0.5))) == ["/from-the-cloud"]

    def test_never(self, platform: str, cloud: Cloud) -> None:
        with pytest.raises(FetchFailed, match=r"/token.*in time"):
            cloud.ask_for_a_token(platform, good_token()._replace(pause=60.0), total=1.0)


@on_services
@pytest.mark.parametrize("status", [401, 403])
def test_refused(platform: str, cloud: Cloud, status: int) -> None:
    with pytest.raises(FetchFailed, match=f"HTTP status {status}.*go away"):
        cloud.boot_in_vain(platform, Answer(b"go away", status))


@on_services
def test_trouble_and_then_well(platform: str, cloud: Cloud) -> None:
    trouble = Answer(b"starting", 503)
    assert paths(cloud.boot(platform, trouble, Answer(b"", 500), given(platform))) == ["/from-the-cloud"]


@on_services
def test_not_yet_and_then_well(platform: str, cloud: Cloud) -> None:
    for status in SERVICES[platform].not_yet:
        assert paths(cloud.boot(platform, Answer(b"", status), given(platform))) == ["/from-the-cloud"]


@on_services
def test_slow(platform: str, cloud: Cloud) -> None:
    assert paths(cloud.boot(platform, given(platform)._replace(pause=0.5))) == ["/from-the-cloud"]


@on_services
def test_too_slow_and_then_well(platform: str, cloud: Cloud) -> None:
    assert paths(cloud.boot(platform, given(platform)._replace(pause=1.3), given(platform))) == ["/from-the-cloud"]


@on_services
def test_truncated_and_then_well(platform: str, cloud: Cloud) -> None:
    cut = given(platform)._replace(missing=100)
    assert paths(cloud.boot(platform, cut, given(platform))) == ["/from-the-cloud"]


@on_services
def test_huge(platform: str, cloud: Cloud) -> None:
    with pytest.raises(FetchFailed, match="larger than"):
        cloud.boot_in_vain(platform, Answer(bytes(65 << 20)), total=60)


@on_services
def test_redirect_to_another_service_on_the_link(platform: str, cloud: Cloud) -> None:
    began = time.monotonic()
    with pytest.raises(Failure):
        cloud.boot_in_vain(platform, Answer(status=302, headers=(("Location", "http://127.0.0.9/"),)), total=1.0)
    assert time.monotonic() - began < 15


@on_services
def test_redirect_within_the_service(platform: str, cloud: Cloud) -> None:
    here = Answer(status=302, headers=(("Location", SERVICES[platform].path),))
    if SERVICES[platform].demands or SERVICES[platform].token_service:  # headers are sent to no redirect
        with pytest.raises(FetchFailed, match=r"HTTP status 40[13]"):
            cloud.boot(platform, here, given(platform))
    else:
        assert paths(cloud.boot(platform, here, given(platform))) == ["/from-the-cloud"]


@on_services
def test_offline_the_network_is_asked_for(platform: str, cloud: Cloud) -> None:
    with pytest.raises(NeedsNetwork):
        find_config(platform, LocalSystem(SystemPaths(), str(cloud.root)), FetchSettings(offline=True), cloud.log)


@on_services
def test_no_network(platform: str, cloud: Cloud) -> None:
    def body() -> None:
        settings = FetchSettings(http_total=1.0, network_wait=0.5, grace=0.5)
        find_config(platform, LocalSystem(SystemPaths(), str(cloud.root)), settings, cloud.log)

    with pytest.raises(FetchFailed, match=r"no network|no address|carrier|not resolved"):
        in_namespace(body)
