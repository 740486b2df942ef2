"""The network in VMware's guestinfo, as a file of netplan."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode

import pytest

from provision.failures import FetchFailed
from provision.metadata.machine_metadata import MachineMetadata
from provision.metadata.providers import PROVIDERS
from tests.metadata.recorded import Recorded
from tests.metadata.test_providers import context, drive
from tests.recorded_log import RecordedLog

NETPLAN = b"local-hostname: web-1\nnetwork:\n  version: 2\n  ethernets:\n    nics: {match: {name: ens*}, dhcp4: yes}\n"
NETWORK = {"version": 2, "ethernets": {"nics": {"match": {"name": "ens*"}, "dhcp4": True}}}


def netplan(log: RecordedLog, **values: str) -> str:
    """The file for a machine with these values of guestinfo.metadata and its encoding."""
    answers = {f"guestinfo.{name.replace('_', '.')}": value for name, value in values.items()}
    [provider] = PROVIDERS["vmware"]
    return MachineMetadata(provider, drive(Recorded(answers, {}, "")), context(log)).netplan()


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (NETPLAN.decode(), ""),
        (b64encode(NETPLAN).decode(), "base64"),
        (b64encode(NETPLAN).decode(), "b64"),
        (b64encode(gzip.compress(NETPLAN)).decode(), "gzip+base64"),
        (b64encode(gzip.compress(NETPLAN)).decode(), "gz+b64"),
        (json.dumps({"network": NETWORK, "other": 0}), ""),
    ],
)
def test_only_the_network_is_written(log: RecordedLog, data: str, encoding: str) -> None:
    assert json.loads(netplan(log, metadata=data, metadata_encoding=encoding)) == {"network": NETWORK}


def test_a_machine_without_metadata_gets_no_file(log: RecordedLog) -> None:
    assert netplan(log) == ""


@pytest.mark.parametrize(
    ("data", "encoding", "cause"),
    [
        ("a: 1", "", "has no mapping `network`"),
        ("network: [1]", "", "has no mapping `network`"),
        ("network: [", "", "not JSON or YAML"),
        ("%", "base64", "is not base64"),
        ("a", "rot13", "unknown encoding 'rot13'"),
    ],
)
def test_metadata_that_cannot_be_read_is_named(log: RecordedLog, data: str, encoding: str, cause: str) -> None:
    with pytest.raises(FetchFailed, match=r"guestinfo\.metadata.*" + cause):
        netplan(log, metadata=data, metadata_encoding=encoding)
