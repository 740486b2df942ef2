"""The records of versions 2.0 to 2.4."""

from __future__ import annotations

import json

from provision.config.json_text.decode import decode_record
from provision.config.model import Record
from provision.config.old_versions import format as old
from provision.config.old_versions.encode import _plain, encode_old, plain_old
from provision.config.old_versions.format import OldConfig, OldFile, OldStorage


def test_empty_records_are_written_as_ignition_writes_them() -> None:
    expected = {
        "ignition": {"config": {}, "security": {"tls": {}}, "timeouts": {}, "version": "2.3.0"},
        "networkd": {},
        "passwd": {},
        "storage": {},
        "systemd": {},
    }
    assert json.loads(encode_old(OldConfig(), 3)) == expected


def test_a_file_has_its_contents_and_verification_even_if_empty() -> None:
    file = OldFile(filesystem="root", path="/a", mode=0o644)
    written = plain_old(OldConfig(storage=OldStorage(files=(file,))), 3)["storage"]["files"]
    assert written == [{"filesystem": "root", "path": "/a", "contents": {"verification": {}}, "mode": 420}]


def test_what_is_written_is_read_again() -> None:
    text = {"storage": {"filesystems": [{"name": "a", "mount": {"device": "/d", "format": "ext4", "create": {}}}]}}
    config = decode_record(OldConfig, text, 3).record
    assert config.storage.filesystems[0].mount.is_set("create")
    assert decode_record(OldConfig, plain_old(config, 3), 3).record.storage == config.storage


ALWAYS_WRITTEN: dict[type[Record], str] = {
    old.OldHttpHeader: "name value",
    old.OldReference: "source verification",
    old.OldContents: "verification",
    old.OldSecurity: "tls",
    old.OldIgnition: "config security timeouts",
    old.OldNetworkdDropin: "name",
    old.OldNetworkdUnit: "name",
    old.OldGroup: "name",
    old.OldUser: "name",
    old.OldNode: "filesystem path",
    old.OldDirectory: "filesystem path",
    old.OldFile: "filesystem path contents",
    old.OldLink: "filesystem path target",
    old.OldDisk: "device",
    old.OldMount: "device format",
    old.OldRaid: "devices level name",
    old.OldDropin: "name",
    old.OldUnit: "name",
    old.OldConfig: "ignition networkd passwd storage systemd",
}
"""What Go writes of an empty record of 2.3: fields without `omitempty` (Ignition, config/v2_3/types/schema.go)."""


def test_empty_fields_are_left_out_as_in_ignition() -> None:
    found = {one: " ".join(_plain(one(), 3)) for one in records(OldConfig)}
    assert found == {one: ALWAYS_WRITTEN.get(one, "") for one in found}


def records(record: type[Record]) -> set[type[Record]]:
    """A record and all records in it."""
    inner = (records(field.record) for field in record.FIELDS if field.record)
    return {record}.union(*inner)
