"""Rules of 2.x at their limits: the last value that is valid, and the first that is not.

Source: `config/v2_*/types` of Ignition 0.35.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from provision.config.validate import validate


def found(version: int, **storage: object) -> list[str]:
    """The errors of a config of version 2.`version`."""
    config = {"ignition": {"version": f"2.{version}.0"}, "storage": storage}
    return [one.message for one in validate(json.dumps(config).encode()).problems if one.fatal]


def hints(version: int, **storage: object) -> list[str]:
    """The hints of its errors."""
    config = {"ignition": {"version": f"2.{version}.0"}, "storage": storage}
    return [one.hint for one in validate(json.dumps(config).encode()).problems if one.fatal]


def file(**fields: object) -> dict[str, Any]:
    return {"filesystem": "root", "path": "/a", "mode": 420, **fields}


@pytest.mark.parametrize(
    ("scheme", "since"), [("http", 0), ("https", 0), ("oem", 0), ("tftp", 1), ("s3", 1), ("gs", 9), ("ftp", 9)]
)
def test_a_version_knows_the_schemes_of_its_time(scheme: str, since: int) -> None:
    for version in range(5):
        errors = found(version, files=[file(contents={"source": f"{scheme}://example.com/a"})])
        assert errors == ([] if version >= since else ["invalid url scheme"]), version


@pytest.mark.parametrize(
    ("name", "since"), [("ext4", 0), ("btrfs", 0), ("xfs", 0), ("swap", 1), ("vfat", 1), ("f2fs", 9)]
)
def test_a_version_knows_the_file_systems_of_its_time(name: str, since: int) -> None:
    for version in range(5):
        mount = {"device": "/dev/vda", "format": name}
        errors = found(version, filesystems=[{"name": "a", "mount": mount}])
        assert errors == ([] if version >= since else ["invalid filesystem format"]), version


@pytest.mark.parametrize(
    ("version", "schemes", "formats"),
    [
        (0, "http, https, data, oem", "ext4, btrfs, xfs"),
        (1, "http, https, data, oem, tftp, s3", "ext4, btrfs, xfs, swap, vfat"),
    ],
)
def test_a_hint_lists_what_the_version_knows(version: int, schemes: str, formats: str) -> None:
    assert hints(version, files=[file(contents={"source": "ftp://a/b"})]) == [f"known schemes are {schemes}"]
    mount = {"device": "/dev/vda", "format": "f2fs"}
    assert hints(version, filesystems=[{"name": "a", "mount": mount}]) == [f"one of {formats}"]


@pytest.mark.parametrize(("mode", "valid"), [(0, True), (0o7777, True), (0o10000, False), (-1, False)])
def test_the_mode_of_a_file(mode: int, valid: bool) -> None:
    assert found(3, files=[file(mode=mode)]) == ([] if valid else ["illegal file mode"])


@pytest.mark.parametrize(
    ("checksum", "error"),
    [
        (f"sha512-{'0' * 128}", ""),
        (f"sha512-{'0' * 127}", "incorrect size for hash sum"),
        (f"sha512-{'0' * 129}", "incorrect size for hash sum"),
        (f"sha256-{'0' * 64}", "unrecognized hash function"),
        ("0" * 128, "malformed hash specifier"),
    ],
)
def test_the_checksum_of_a_file(checksum: str, error: str) -> None:
    contents = {"source": "http://example.com/a", "verification": {"hash": checksum}}
    assert found(3, files=[file(contents=contents)]) == ([error] if error else [])


def disk(*partitions: dict[str, Any]) -> dict[str, Any]:
    return {"device": "/dev/vda", "partitions": list(partitions)}


def span(number: int, start: int, size: int) -> dict[str, Any]:
    return {"number": number, "start": start, "size": size}


@pytest.mark.parametrize(
    ("partitions", "error"),
    [
        ([span(1, 2048, 2048), span(2, 4096, 2048)], ""),
        ([span(1, 2048, 2049), span(2, 4096, 2048)], "partitions overlap"),
        ([span(2, 4096, 2048), span(1, 2048, 2049)], "partitions overlap"),
        ([span(1, 2048, 8192), span(2, 4096, 2048), span(3, 8192, 2048)], "partitions overlap"),
        ([span(1, 2048, 0), span(2, 2048, 0)], "partitions overlap"),
        ([span(1, 0, 0), span(2, 0, 0)], ""),
        ([span(1, 2047, 1)], "partitions misaligned"),
        ([span(1, 2049, 1)], "partitions misaligned"),
        ([span(1, 2048, 1), span(1, 4096, 1)], "partition numbers collide"),
        ([span(0, 2048, 1), span(0, 4096, 1)], ""),
    ],
)
@pytest.mark.parametrize("version", [2, 3])
def test_the_partitions_of_a_disk(version: int, partitions: list[dict[str, Any]], error: str) -> None:
    assert found(version, disks=[disk(*partitions)]) == ([error] if error else [])


def test_the_label_of_a_partition() -> None:
    assert found(3, disks=[disk({"number": 1, "label": "a" * 36})]) == []
    assert found(3, disks=[disk({"number": 1, "label": "a" * 37})]) == ["partition labels may not exceed 36 characters"]


@pytest.mark.parametrize(
    ("level", "spares", "error"),
    [
        ("raid1", 1, ""),
        ("raid0", 0, ""),
        ("raid0", 1, "spares unsupported for arrays with a level greater than 0"),
        ("raid7", 0, "unrecognized raid level"),
    ],
)
def test_the_level_of_an_array(level: str, spares: int, error: str) -> None:
    array = {"name": "a", "level": level, "devices": ["/dev/vda", "/dev/vdb"], "spares": spares}
    assert found(3, raid=[array]) == ([error] if error else [])


@pytest.mark.parametrize(("version", "named"), [(2, ""), (3, 'filesystem "a": ')])
def test_the_path_of_a_file_system(version: int, named: str) -> None:
    assert found(version, filesystems=[{"name": "a", "path": "/sysroot"}]) == []
    assert found(version, filesystems=[{"name": "a", "path": "sysroot"}]) == [f"{named}path not absolute"]
