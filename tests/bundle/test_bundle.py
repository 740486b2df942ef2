"""A bundle from anybody is read safely: it is refused, and takes neither memory nor time."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from provision.bundle.bundle import FORMAT, MAX_TEXT, read_bundle, stages_of, write_bundle
from provision.bundle.capture import capture
from provision.bundle.recorded_view import played
from provision.config.format import Config
from provision.failures import ActionFailed, Failure
from provision.planning.machine_view import MachineView

GOOD: dict[str, Any] = {
    "format": FORMAT,
    "stage": "disks",
    "stages": ["disks"],
    "reasons": [],
    "digest": "0",
    "config": {"ignition": {"version": "3.4.0"}},
    "answers": {},
    "log": [],
    "command_line": "",
    "version": "0",
}


def packed(value: object) -> bytes:
    return gzip.compress(json.dumps(value).encode())


def test_the_form_is_read() -> None:
    assert read_bundle(packed(GOOD), "x").stages == ("disks",)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        gzip.compress(b"{}")[:-3],
        gzip.compress(bytes(MAX_TEXT + 1)),
        gzip.compress(b"[" * 1_000_000),
        packed([]),
        packed({"format": FORMAT}),
        packed(GOOD | {"format": "other"}),
        packed(GOOD | {"more": 1}),
        packed(GOOD | {"stage": 1}),
        packed(GOOD | {"stages": "disks"}),
        packed(GOOD | {"reasons": [1]}),
        packed(GOOD | {"answers": []}),
        packed(GOOD | {"config": {"ignition": {"version": "9.0.0"}}}),
        packed(GOOD | {"config": 7}),
        gzip.compress(b'{"format": ' + b"9" * 100_000 + b"}"),
    ],
)
def test_other_data_are_refused(data: bytes) -> None:
    with pytest.raises(Failure, match="x: is not a bundle"):
        read_bundle(data, "x")


def test_a_stage_that_does_not_exist_is_not_imported() -> None:
    with pytest.raises(Failure, match="names stages"):
        stages_of(read_bundle(packed(GOOD | {"stages": ["os.path"]}), "x"))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ('["table", "/dev/a"]', ["gpt", "", 512, 34, 1 << 40, [], 1 << 40, False]),
        ('["table", "/dev/a"]', ["gpt", "", 0, 34, 1 << 40, [], 128, False]),
        ('["table", "/dev/a"]', ["gpt", "", 512, -1, 0, [], 128, False]),
        ('["table", "/dev/a"]', ["gpt", "", 512, 1 << 70, 0, [], 128, False]),
        ('["table", "/dev/a"]', ["gpt", "", 512, 34, 0, [[1]], 128, False]),
        ('["table", "/dev/a"]', None),
        ('["table", "/dev/a"]', {"failed": ["a", "b", 1]}),
    ],
)
def test_an_answer_of_a_wrong_type_is_refused(question: str, answer: object) -> None:
    view: MachineView = played({question: answer})
    with pytest.raises(Failure, match="the bundle is damaged"):
        view.table("/dev/a")


def test_a_failure_of_the_machine_is_recorded() -> None:
    view: MachineView = played({'["table", "/dev/a"]': {"failed": ["read", "I/O error", ""]}})
    with pytest.raises(ActionFailed, match="read: I/O error"):
        view.table("/dev/a")


def test_a_bundle_that_is_too_large_is_not_made() -> None:
    made = capture([*stages_of(read_bundle(packed(GOOD), "x"))], Config(), played({}))
    with pytest.raises(Failure, match="too large for a bundle"):
        write_bundle(made._replace(log=("x" * MAX_TEXT,)))
