"""Old configs for authors: what is lost, and what means something else."""

from __future__ import annotations

import json

import pytest

from provision.config.format import Partition
from provision.config.validate import validate
from transpiler.convert.from_old import Authored, for_authors


def authored(sections: dict[str, object], version: str = "2.4.0", **mounts: str) -> Authored:
    config = validate(json.dumps({"ignition": {"version": version}, **sections}).encode()).config
    assert config is not None
    return for_authors(config.older, mounts)


def told(found: Authored) -> list[tuple[bool, str]]:
    return [(one.fatal, ".".join(map(str, one.path))) for one in found.problems]


def test_sectors_become_mebibytes() -> None:
    partitions = [{"number": 1, "start": 2048, "size": 4096}, {"number": 2, "start": 8192, "size": 0}]
    found = authored({"storage": {"disks": [{"device": "/dev/sda", "partitions": partitions}]}})
    assert found.config.storage.disks[0].partitions == (
        Partition(number=1, start_mib=1, size_mib=2),
        Partition(number=2, start_mib=4, size_mib=0),
    )
    assert not any(fatal for fatal, _ in told(found))


def test_sectors_that_are_no_mebibytes_are_lost() -> None:
    partitions = [{"number": 1, "start": 2048, "size": 100}]
    found = authored({"storage": {"disks": [{"device": "/dev/sda", "partitions": partitions}]}})
    assert (True, "storage.disks.0.partitions.0.size") in told(found)


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0"])
def test_a_missing_mode_is_named_where_it_means_something_else(version: str) -> None:
    found = authored({"storage": {"files": [{"filesystem": "root", "path": "/a"}]}}, version)
    has_optional_modes = version >= "2.2"
    assert ((False, "storage.files.0.mode") in told(found)) == has_optional_modes
    assert found.config.storage.files[0].mode == (None if has_optional_modes else 0)


def test_a_mode_of_one_of_several_entries_of_a_file_is_kept() -> None:
    first = {"filesystem": "root", "path": "/a", "mode": 0o600, "user": {"id": 0}}
    second = {"filesystem": "root", "path": "/a", "append": True}
    file = authored({"storage": {"files": [first, second]}}).config.storage.files[0]
    assert (file.mode, file.user.id, file.group.id) == (0o600, 0, None)


def test_oem_urls_are_lost() -> None:
    file = {"filesystem": "root", "path": "/a", "mode": 420, "contents": {"source": "oem:///a"}}
    config = {"append": [{"source": "oem:///b"}]}
    found = authored({"storage": {"files": [file]}, "ignition": {"version": "2.4.0", "config": config}})
    assert [path for fatal, path in told(found) if fatal] == [
        "storage.files.0.contents.source",
        "ignition.config.append.0.source",
    ]


def test_create_of_users_and_file_systems_is_kept() -> None:
    user = {"name": "core", "create": {"uid": 500, "gecos": "Core"}}
    mount = {"device": "/dev/sdb", "format": "ext4", "create": {"force": True, "options": ["-L", "X"]}}
    found = authored({"passwd": {"users": [user]}, "storage": {"filesystems": [{"name": "x", "mount": mount}]}})
    assert (found.config.passwd.users[0].uid, found.config.passwd.users[0].gecos) == (500, "Core")
    filesystem = found.config.storage.filesystems[0]
    assert (filesystem.wipe_filesystem, filesystem.options, filesystem.path) == (True, ("-L", "X"), None)


def test_networkd_units_become_files() -> None:
    unit = {"name": "a.network", "contents": "[Match]\nName=a\n"}
    found = authored({"networkd": {"units": [unit]}})
    assert [file.path for file in found.config.storage.files] == ["/etc/systemd/network/a.network"]
