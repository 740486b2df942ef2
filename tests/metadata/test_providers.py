"""Every provider of the table against a server, or the files of a drive, that answers as the platform does."""

from __future__ import annotations

from shutil import which
from socket import gethostname
from urllib.parse import urlsplit

import pytest

from provision.fetch.platforms.context import FetchContext, fetch_context
from provision.fetch.platforms.table import PLATFORMS
from provision.fetch.settings import FetchSettings
from provision.metadata.answers import Answers, HttpService, OwnSettings
from provision.metadata.machine_metadata import PLATFORM_OF, MachineMetadata
from provision.metadata.providers import PROVIDERS, Provider
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.server import Answer, Asked, serve
from tests.metadata.recorded import RECORDED, Recorded
from tests.recorded_log import RecordedLog

WITHOUT = {"applehv", "file", "hyperv", "metal", "nutanix", "nvidiabluefield", "qemu", "zvm"}
"""Platforms that have no metadata that we read."""


def context(log: RecordedLog) -> FetchContext:
    return fetch_context(LocalSystem(), FetchSettings(http_total=5.0), log)


def answer(recorded: Recorded, asked: Asked) -> Answer:
    header, value = recorded.demands
    if asked.method == "GET" and header and asked.headers.get(header) != value:
        return Answer(b"the header is missing", 401)
    text = recorded.answers.get(asked.path if asked.method == "GET" else f"{asked.method} {asked.path}")
    return Answer(b"", 404) if text is None else Answer(text.encode())


def drive(recorded: Recorded) -> Answers:
    def read(path: str) -> bytes | None:
        text = recorded.answers.get(path)
        return None if text is None else text.encode()

    def send(_request: object) -> bytes:
        raise AssertionError

    return Answers("drive ", read, send)


def check(provider: Provider, answers: Answers, recorded: Recorded, log: RecordedLog) -> None:
    metadata = MachineMetadata(provider, answers, context(log))
    assert metadata.attributes() == recorded.attributes
    assert (metadata.hostname(), metadata.ssh_keys()) == (recorded.hostname, [*recorded.ssh_keys])


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_the_metadata_is_what_the_platform_says(name: str, log: RecordedLog) -> None:
    recorded = RECORDED[name]
    provider = PROVIDERS[name][recorded.provider]
    if not isinstance(provider.service, HttpService):
        check(provider, drive(recorded), recorded, log)
        return
    with serve(lambda asked: answer(recorded, asked)) as served:
        service = provider.service._replace(base=f"{served.url}{urlsplit(provider.service.base).path}")
        check(provider, service.answers(context(log)), recorded, log)


@pytest.mark.skipif(which("ip") is None, reason="needs iproute2")
def test_a_vagrant_machine_has_its_metadata_from_its_own_interfaces(log: RecordedLog) -> None:
    provider = PROVIDERS["vagrant-virtualbox"][0]
    answers = provider.service.answers(context(log))
    assert answers is not None
    own = provider._replace(attributes={**provider.attributes, "PRIVATE_IPV4": "lo"})
    found = MachineMetadata(own, answers, context(log))
    assert found.attributes() == {"HOSTNAME": gethostname(), "PRIVATE_IPV4": "127.0.0.1"}
    assert found.addresses() == {"private_ipv4": "127.0.0.1"}
    assert found.ssh_keys() == []


def test_an_interface_that_does_not_come_has_no_address(log: RecordedLog) -> None:
    answers = OwnSettings().answers(fetch_context(LocalSystem(), FetchSettings.within(0.1), log))
    assert answers.text("missing0") is None


def test_every_platform_has_metadata_or_is_known_to_have_none() -> None:
    assert {PLATFORM_OF.get(name, name) for name in PROVIDERS} | {"brightbox"} == PLATFORMS.keys() - WITHOUT
    assert {
        *RECORDED,
        "azure",
        "azurestack",
        "vagrant-virtualbox",
        "vmware",
        "cloudstack-configdrive",
        "cloudstack-metadata",
    } == {*PROVIDERS}
