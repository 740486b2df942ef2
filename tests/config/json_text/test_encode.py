"""Encoding to JSON: the canonical form, and that it decodes to the same config."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from provision.config.format import Clevis, Config, File, Ignition, Link, Luks, Partition, Storage, User
from provision.config.json_text.decode import decode, decode_record
from provision.config.json_text.encode import encode, encode_whole
from provision.config.model import NEWEST, VERSIONS, Secret, minor
from tests.config.configs import valid_configs


def test_empty_things_are_left_out_and_names_are_not() -> None:
    config = Config(storage=Storage(files=(File(path="", mode=0, overwrite=False),), links=(Link(path="/a"),)))
    storage = '{"files":[{"overwrite":false,"path":"","mode":0}],"links":[{"path":"/a"}]}'
    assert encode(config, minor("3.4")) == f'{{"ignition":{{"version":"3.4.0"}},"storage":{storage}}}'


def test_indentation_is_as_wide_as_asked() -> None:
    assert encode(Config(), 0, indent=2) == '{\n  "ignition": {\n    "version": "3.0.0"\n  }\n}'


def test_text_is_escaped_as_go_does() -> None:
    config = Config(storage=Storage(links=(Link(path="/<&>\u2028\x08\x0c\x7f\x01é\\b\n", target="x"),)))
    written = encode(config)
    assert r'"path":"/\u003c\u0026\u003e\u2028\u0008\u000c' + "\x7f" + r'\u0001é\\b\n"' in written
    assert json.loads(written)["storage"]["links"][0]["path"] == config.storage.links[0].path


def test_secrets_are_written() -> None:
    user = User(name="a", password_hash=Secret("$6$x"))
    assert '"passwordHash":"$6$x"' in encode(Config(passwd=Config().passwd.changed(users=(user,))))


@pytest.mark.parametrize(
    ("version", "storage", "written"),
    [
        ("3.2", Storage(links=(Link(path="/a"),)), {"links": [{"path": "/a", "target": ""}]}),
        ("3.3", Storage(links=(Link(path="/a"),)), {"links": [{"path": "/a"}]}),
        ("3.2", Storage(luks=(Luks(name="a", clevis=Clevis()),)), {"luks": [{"clevis": {}, "name": "a"}]}),
        ("3.3", Storage(luks=(Luks(name="a", clevis=Clevis()),)), {"luks": [{"name": "a"}]}),
        ("3.3", Storage(luks=(Luks(name="a", discard=True),)), {"luks": [{"name": "a"}]}),
    ],
)
def test_old_versions_are_written_as_they_were(version: str, storage: Storage, written: dict[str, Any]) -> None:
    assert json.loads(encode(Config(storage=storage), minor(version)))["storage"] == written


def test_a_number_of_zero_is_left_out() -> None:
    disk = decode_record(Config, {"storage": {"disks": [{"device": "/a", "partitions": [{"label": "b"}]}]}}, NEWEST)
    assert '{"label":"b"}' in encode(disk.record)
    assert Partition(label="b").number == 0


def test_the_whole_form_has_every_record() -> None:
    expected = {
        "ignition": {
            "config": {"replace": {"verification": {}}},
            "proxy": {},
            "security": {"tls": {}},
            "timeouts": {},
            "version": VERSIONS[NEWEST],
        },
        "kernelArguments": {},
        "passwd": {},
        "storage": {},
        "systemd": {},
    }
    assert json.loads(encode_whole(Config(ignition=Ignition(version="3.0.0")))) == expected


@given(valid_configs())
def test_encoded_json_decodes_to_the_same_config(config: Config) -> None:
    assert decode(encode(config).encode()) == config
    assert decode(encode(config, indent=2).encode()) == config
    assert decode(encode_whole(config).encode()) == config
    assert json.loads(encode(config)) == json.loads(encode(config, indent=4))
