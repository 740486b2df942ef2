"""What a config can be converted to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from transpiler.convert.inputs import ConvertInput, ReadOptions, read_source
from transpiler.convert.targets import target, target_names


def source(version: str = "3.4.0", **sections: Any) -> ConvertInput:
    return read_source("x", json.dumps({"ignition": {"version": version}, **sections}).encode(), ReadOptions())


def written(text: str, *, is_lowest: bool = False, **given: Any) -> str:
    wanted = target(text, is_lowest=is_lowest)
    assert wanted is not None
    return wanted(source(**given), 0).text


def test_every_name_is_a_target() -> None:
    assert {"2.4", "3.0", "3.7", "fcos", "flatcar"} <= set(target_names())
    assert all(target(name) for name in target_names())


@pytest.mark.parametrize("text", ["2.1", "3.8", "3", "fcos-9.9.9", "fcos-1", "openshift", "nope", "-1", "4.0.0"])
def test_other_names_are_not(text: str) -> None:
    assert target(text) is None


def test_the_lowest_version_is_of_a_kind_not_of_a_version() -> None:
    assert target("3.4", is_lowest=True) is None
    assert target("flatcar", is_lowest=True) is not None


@pytest.mark.parametrize(
    ("name", "version", "line"),
    [
        ("fcos", "3.0.0", "1.0.0"),
        ("fcos", "3.2.0", "1.3.0"),
        ("fcos", "3.6.0", "1.7.0"),
        ("fcos", "3.7.0-experimental", "1.8.0-experimental"),
        ("fcos", "2.4.0", "1.7.0"),
        ("flatcar", "3.0.0", "1.0.0"),
        ("flatcar", "3.5.0", "1.1.0"),
        ("flatcar-1.0.0", "3.4.0", "1.0.0"),
    ],
)
def test_a_variant_has_the_version_that_makes_the_same(name: str, version: str, line: str) -> None:
    assert written(name, version=version).split("\n")[1] == f"version: {line}"


def test_the_lowest_version_of_a_variant_suffices() -> None:
    arguments = {"kernelArguments": {"shouldExist": ["quiet"]}}
    assert "version: 1.4.0\n" in written("fcos", is_lowest=True, version="3.6.0", **arguments)


def test_losses_of_an_old_config_have_its_places() -> None:
    partition = {"number": 1, "sizeMiB": 10, "label": "a"}
    old = source("2.3.0", storage={"disks": [{"device": "/d", "partitions": [partition]}]})
    wanted = target("2.2")
    assert wanted is not None
    assert [one.path for one in wanted(old, 0).losses] == [("storage", "disks", 0, "partitions", 0, "sizeMiB")]


@pytest.mark.parametrize("version", ["2.3", "2.4"])
def test_an_old_config_in_an_old_version_needs_no_mount_point(version: str) -> None:
    """What only a config 3.x would need, or would say otherwise, is not asked for."""
    storage = {
        "filesystems": [{"name": "data", "mount": {"device": "/dev/vdb", "format": "ext4"}}],
        "files": [{"filesystem": "data", "path": "/a", "append": True, "mode": 420, "contents": {"source": "data:,x"}}],
    }
    read = source("2.3.0", storage=storage)
    wanted, newest = target(version), target("")
    assert wanted is not None
    assert newest is not None
    made = wanted(read, 0)
    assert ([*read.problems], made.losses) == ([], ())
    assert json.loads(made.text)["storage"]["files"][0]["filesystem"] == "data"
    assert [one.rule for one in newest(read, 0).losses if one.fatal] == ["unmounted-filesystem"]
