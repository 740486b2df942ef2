"""Configs of 2.x are brought to the form of 2.4, and appended to each other as Ignition 2.x appends them."""

from __future__ import annotations

from typing import Any

import pytest

from provision.config.json_text.decode import decode_record
from provision.config.old_versions.append import append_config, in_newest_form
from provision.config.old_versions.encode import plain_old
from provision.config.old_versions.format import OldConfig


def old(value: dict[str, Any], version: int = 4) -> OldConfig:
    made = decode_record(OldConfig, value, version).record
    assert isinstance(made, OldConfig)
    return made


def appended(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return plain_old(append_config(old(first), old(second)))


def user(**fields: object) -> dict[str, Any]:
    return {"passwd": {"users": [{"name": "core", **fields}]}}


def test_lists_are_joined_and_entries_of_one_name_stay_apart() -> None:
    whole = appended(user(uid=1), user(uid=2))
    assert whole["passwd"]["users"] == [{"name": "core", "uid": 1}, {"name": "core", "uid": 2}]


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ({"httpTotal": 5}, {}, {"httpTotal": 5}),
        ({"httpTotal": 5}, {"httpTotal": 0}, {"httpTotal": 0}),
        ({}, {"httpTotal": 7}, {"httpTotal": 7}),
        ({"httpTotal": 5}, {"httpResponseHeaders": 7}, {"httpResponseHeaders": 7, "httpTotal": 5}),
    ],
)
def test_a_pointer_of_the_second_counts_if_it_is_set(
    first: dict[str, Any], second: dict[str, Any], whole: dict[str, Any]
) -> None:
    made = appended({"ignition": {"timeouts": first}}, {"ignition": {"timeouts": second}})
    assert made["ignition"]["timeouts"] == whole


def test_a_value_of_the_second_counts_even_if_it_is_empty() -> None:
    first = {"ignition": {"proxy": {"httpProxy": "http://a", "noProxy": ["b"]}}}
    made = append_config(old(first), old({})).ignition.proxy
    assert (made.http_proxy, made.no_proxy) == ("", ("b",))


def test_version_and_references_are_not_joined() -> None:
    first = {"ignition": {"version": "2.4.0", "config": {"append": [{"source": "http://a"}]}}}
    second = {"ignition": {"version": "2.3.0", "config": {"append": [{"source": "http://b"}]}}}
    made = append_config(old(first), old(second)).ignition
    assert made.version == "2.4.0"
    assert [one.source for one in made.config.append] == ["http://b"]


@pytest.mark.parametrize(("version", "mode"), [(0, 0), (1, 0), (2, None), (4, None)])
def test_before_2_2_a_mode_that_is_not_written_was_zero(version: int, mode: int | None) -> None:
    files = {"files": [{"filesystem": "root", "path": "/a"}, {"filesystem": "root", "path": "/b", "mode": 420}]}
    made = in_newest_form(old({"storage": files}, version), version)
    assert [one.mode for one in made.storage.files] == [mode, 420]
    assert made.ignition.version == "2.4.0"


@pytest.mark.parametrize(("version", "found"), [(2, ("", 0, 0)), (3, (None, None, None))])
def test_before_2_3_label_start_and_size_were_values(version: int, found: tuple[object, ...]) -> None:
    disks = [{"device": "/dev/a", "partitions": [{"number": 1}]}]
    (disk,) = in_newest_form(old({"storage": {"disks": disks}}, version), version).storage.disks
    (partition,) = disk.partitions
    assert (partition.label, partition.start, partition.size) == found
