"""Golden cases: configs of version 1 and 2.x, what is found in them, and what they become.

The verdict of each case and its messages are those of Ignition 0.35; a case may have further messages, because Ignition
2.x does not look into a record that is wrong itself.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.config.format import Config
from provision.config.json_text.decode import decode
from provision.config.json_text.encode import encode_stored
from provision.config.old_versions.conversion import convert
from provision.config.validate import validate

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = json.loads(path.read_text())
    validation = validate(json.dumps(case["config"]).encode())
    found = [
        f"{problem.severity}: {'.'.join(map(str, problem.path))}: {problem.message}" for problem in validation.problems
    ]
    assert found == case["findings"]
    assert (validation.config is None) == ("becomes" not in case)
    if validation.config is not None:
        assert _kept(validation.config) == case["becomes"]
        refused = [
            f"{'.'.join(map(str, problem.path))}: {problem.message}"
            for problem in convert(validation.config.older).problems
        ]
        assert refused == case.get("refused", [])


def _kept(config: Config) -> dict[str, object]:
    """The config as the stages get it, without records that are empty and without the version."""
    whole: dict[str, object] = json.loads(encode_stored(config))
    without = _without_empty(whole)
    assert isinstance(without, dict)
    del without["ignition"]["version"]
    return without


def _without_empty(value: object) -> object:
    if isinstance(value, list):
        return [_without_empty(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _without_empty(one) for key, one in value.items()}
    return {key: one for key, one in made.items() if one != {}}


def test_version_1_does_not_know_the_fields_of_2_1() -> None:
    partition = {"guid": "x", "label": "data"}
    config = {
        "ignitionVersion": 1,
        "systemd": {"units": [{"name": "a.service", "enable": True, "enabled": True}]},
        "passwd": {"users": [{"name": "a", "create": {"uid": 5}, "uid": 5}]},
        "storage": {"disks": [{"device": "/dev/a", "partitions": [partition]}]},
    }
    unknown = [
        problem.path for problem in validate(json.dumps(config).encode()).problems if "unrecognized" in problem.message
    ]
    assert unknown == [
        ("passwd", "users", 0, "uid"),
        ("storage", "disks", 0, "partitions", 0, "guid"),
        ("systemd", "units", 0, "enabled"),
    ]


def test_sectors_survive_between_stages() -> None:
    case = json.loads((Path(__file__).parent / "cases" / "partitions-in-sectors.json").read_text())
    config = validate(json.dumps(case["config"]).encode()).config
    assert config is not None
    partition = decode(encode_stored(config).encode()).storage.disks[0].partitions[0]
    assert (partition.start_sectors, partition.size_sectors) == (2048, 100)


def test_version_3_does_not_know_the_fields_for_old_configs() -> None:
    partition = {"label": "a", "sizeSectors": 1}
    text = {"ignition": {"version": "3.5.0"}, "storage": {"disks": [{"device": "/d", "partitions": [partition]}]}}
    validation = validate(json.dumps(text).encode())
    assert [problem.message for problem in validation.problems] == ["unused key sizeSectors"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"ignition": {"version": "2.5.0"}}', "unsupported config version"),
        ('{"ignition": {"version": "2.4.0-experimental"}}', "unsupported config version"),
        ('{"ignition": {"version": "1.0.0"}}', "unsupported config version"),
        ('{"ignitionVersion": 2}', "invalid config version (couldn't parse)"),
        ('{"ignition": {"version": "2.1"}}', "invalid config version (couldn't parse)"),
    ],
)
def test_unknown_versions_are_refused(text: str, error: str) -> None:
    validation = validate(text.encode())
    assert (validation.config, validation.error) == (None, error)


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0"])
def test_a_config_with_nothing_but_its_version_is_valid(version: str) -> None:
    validation = validate(json.dumps({"ignition": {"version": version}}).encode())
    assert validation.config is not None
    assert (validation.error, validation.problems) == ("", ())


def test_a_config_that_is_not_valid_keeps_its_paths() -> None:
    validation = validate(b'{"ignition": {"version": "2.3.0"}, "storage": {"disks": [{"device": "vda"}]}}')
    (problem,) = validation.problems
    assert problem.path == ("storage", "disks", 0, "device")
    assert validation.path_in_text(problem.path) == validation.written_path(problem.path) == problem.path
    assert (validation.config, validation.error) == (None, "config is not valid")


def test_a_path_of_the_new_config_is_found_in_the_text() -> None:
    units = [{"name": "a.network", "contents": "[Match]\nName=a\n"}]
    config = {"ignition": {"version": "2.3.0"}, "networkd": {"units": units}}
    validation = validate(json.dumps(config).encode())
    assert validation.path_in_text(("storage", "files", 0, "contents")) == ("networkd", "units", 0, "contents")


def test_a_path_of_the_new_config_is_found_in_a_text_of_version_1() -> None:
    files = [{"path": "/a", "contents": "x", "mode": 420}]
    filesystems = [{"device": "/d", "format": "ext4"}, {"device": "/e", "format": "ext4", "files": files}]
    validation = validate(json.dumps({"ignitionVersion": 1, "storage": {"filesystems": filesystems}}).encode())
    place = ("storage", "filesystems", 1, "files", 0)
    assert validation.path_in_text(("storage", "files", 0, "contents", "source")) == (*place, "contents")
    assert validation.path_in_text(("storage", "filesystems", 1, "device")) == ("storage", "filesystems", 1, "device")
