"""The records of versions 2.0 to 2.4."""

from __future__ import annotations

import json

from provision.config.json_text.decode import decode_record
from provision.config.old_versions.encode import encode_old, plain_old
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
