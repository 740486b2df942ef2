"""Configs in other versions 3.x."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provision.config.format import Config
from provision.config.model import VERSIONS
from provision.config.validate import validate
from transpiler.spec_versions.writing import lowest, write


def config(**sections: Any) -> Config:
    found = validate(json.dumps({"ignition": {"version": "3.6.0"}, **sections}).encode()).config
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("sections", "version"),
    [
        ({}, "3.0.0"),
        ({"storage": {"files": [{"path": "/a", "contents": {"source": "gs://a/b"}}]}}, "3.2.0"),
        ({"storage": {"files": [{"path": "/a", "contents": {"source": "data:,", "compression": "gzip"}}]}}, "3.0.0"),
        ({"storage": {"filesystems": [{"device": "/d", "format": "none"}]}}, "3.3.0"),
        ({"storage": {"files": [{"path": "/a", "mode": 0o4755}]}}, "3.6.0"),
        ({"storage": {"links": [{"path": "/a", "target": "b"}]}}, "3.0.0"),
        ({"storage": {"raid": [{"name": "a", "level": "raid1", "devices": ["/a"]}]}}, "3.0.0"),
        ({"passwd": {"users": [{"name": "a", "shouldExist": False}]}}, "3.2.0"),
    ],
)
def test_the_lowest_version(sections: dict[str, Any], version: str) -> None:
    written = lowest(config(**sections))
    assert (VERSIONS[written.version], written.losses) == (version, ())


def test_every_version_up_to_the_newest_can_say_what_an_older_one_said() -> None:
    whole = config(
        storage={"files": [{"path": "/a", "mode": 420, "overwrite": True, "contents": {"source": "data:,"}}]}
    )
    for version in range(len(VERSIONS)):
        assert write(whole, version).losses == ()


def test_bits_of_a_mode_that_do_not_act_are_named() -> None:
    written = write(config(storage={"files": [{"path": "/a", "mode": 0o4755}]}), 5)
    assert [(one.path, one.message) for one in written.losses] == [
        (("storage", "files", 0, "mode"), "mode means something else in version 3.5.0")
    ]
