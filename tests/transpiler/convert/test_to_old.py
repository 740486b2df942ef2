"""Configs of version 3.x in versions 2.x."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.format import Config
from provision.config.validate import validate
from tests.config.configs import valid_config
from transpiler.convert.to_old import rewrite_old, write_old
from transpiler.spec_versions.writing import Written


def config(**sections: Any) -> Config:
    found = validate(json.dumps({"ignition": {"version": "3.6.0"}, **sections}).encode()).config
    assert found is not None
    return found


def storage(written: Written) -> dict[str, Any]:
    assert not any(one.fatal for one in written.losses), written.losses
    found: dict[str, Any] = json.loads(written.text)["storage"]
    return found


def lost(written: Written) -> list[str]:
    return [".".join(map(str, one.path)) for one in written.losses if one.fatal]


def test_a_file_becomes_one_entry_for_each_of_its_contents() -> None:
    file = {"path": "/a", "contents": {"source": "data:,1"}, "append": [{"source": "data:,2"}, {"source": "data:,3"}]}
    made = storage(write_old(config(storage={"files": [file]}), 4))["files"]
    assert [(one["contents"]["source"], one.get("append"), one.get("overwrite"), one.get("mode")) for one in made] == [
        ("data:,1", None, False, 0o644),
        ("data:,2", True, None, None),
        ("data:,3", True, None, None),
    ]


def test_a_file_without_contents_is_kept() -> None:
    """ign-converter leaves it out. Appending nothing makes it, or changes its mode and owner if it is there."""
    file = {"path": "/a", "mode": 0o600, "user": {"name": "core"}}
    assert storage(write_old(config(storage={"files": [file]}), 4))["files"] == [
        {
            "filesystem": "root",
            "path": "/a",
            "mode": 0o600,
            "user": {"name": "core"},
            "append": True,
            "contents": {"verification": {}},
        }
    ]


def test_nodes_are_on_the_file_system_with_the_longest_mount_point() -> None:
    filesystems = [
        {"device": "/dev/a", "format": "ext4", "path": "/var"},
        {"device": "/dev/b", "format": "xfs", "path": "/var/lib"},
        {"device": "/dev/c", "format": "swap"},
    ]
    paths = ["/var/lib/x", "/var/libx", "/etc/x", "/var"]
    directories = [{"path": path, "mode": 0o755} for path in paths]
    made = storage(write_old(config(storage={"filesystems": filesystems, "directories": directories}), 3))
    assert [one["name"] for one in made["filesystems"]] == ["/var", "/var/lib", "1"]
    assert [(one["filesystem"], one["path"]) for one in made["directories"]] == [
        ("/var/lib", "/x"),
        ("/var", "/libx"),
        ("root", "/etc/x"),
        ("/var", "/"),
    ]


def test_a_mode_is_written_where_its_default_differs() -> None:
    written = write_old(config(storage={"directories": [{"path": "/a"}]}), 4)
    assert storage(written)["directories"][0]["mode"] == 0o755
    assert [one.path for one in written.losses] == [("storage", "directories", 0)]


@pytest.mark.parametrize(
    ("sections", "path"),
    [
        ({"storage": {"luks": [{"name": "a", "device": "/dev/a"}]}}, "storage.luks"),
        ({"kernelArguments": {"shouldExist": ["quiet"]}}, "kernelArguments.shouldExist"),
        ({"passwd": {"users": [{"name": "a", "shouldExist": False}]}}, "passwd.users.0.shouldExist"),
        ({"storage": {"files": [{"path": "/a", "mode": 0o4755}]}}, "storage.files.0.mode"),
        (
            {"storage": {"files": [{"path": "/a", "contents": {"source": "gs://a/b"}}]}},
            "storage.files.0.contents.source",
        ),
        (
            {"storage": {"filesystems": [{"device": "/d", "format": "ext4", "mountOptions": ["x"]}]}},
            "storage.filesystems.0.mountOptions",
        ),
        (
            {"storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "sizeMiB": 1, "resize": True}]}]}},
            "storage.disks.0.partitions.0.resize",
        ),
        ({"storage": {"filesystems": [{"device": "/d", "format": "none"}]}}, "storage.filesystems.0.format"),
        (
            {"ignition": {"version": "3.6.0", "config": {"merge": [{"source": "data:,x", "compression": "gzip"}]}}},
            "ignition.config.merge.0.compression",
        ),
    ],
)
def test_what_2_4_cannot_say_is_named_with_its_place(sections: dict[str, Any], path: str) -> None:
    assert lost(write_old(config(**sections), 4)) == [path]


def test_2_3_has_no_headers() -> None:
    contents = {"source": "https://a/b", "httpHeaders": [{"name": "a", "value": "b"}]}
    whole = config(storage={"files": [{"path": "/a", "mode": 420, "contents": contents}]})
    assert lost(write_old(whole, 4)) == []
    assert lost(write_old(whole, 3)) == ["storage.files.0.contents.httpHeaders"]


def test_merged_configs_are_appended_with_a_warning() -> None:
    written = write_old(config(ignition={"version": "3.6.0", "config": {"merge": [{"source": "https://a/b"}]}}), 4)
    assert json.loads(written.text)["ignition"]["config"]["append"][0]["source"] == "https://a/b"
    assert [(one.path, one.fatal) for one in written.losses] == [(("ignition", "config", "merge", 0), False)]


def test_a_config_2_x_is_written_in_another_version_2_x() -> None:
    partition = {"number": 1, "sizeMiB": 10}
    text = {"ignition": {"version": "2.3.0"}, "storage": {"disks": [{"device": "/d", "partitions": [partition]}]}}
    read = validate(json.dumps(text).encode()).config
    assert read is not None
    assert json.loads(rewrite_old(read.older, 4).text)["ignition"]["version"] == "2.4.0"
    assert lost(rewrite_old(read.older, 2)) == ["storage.disks.0.partitions.0.sizeMiB"]


@given(st.randoms(use_true_random=False), st.sampled_from([3, 4]))
def test_what_is_written_is_valid_or_its_losses_are_named(random: Any, version: int) -> None:
    written = write_old(valid_config(random), version)
    read = validate(written.text.encode())
    assert lost(written) or read.config is not None
