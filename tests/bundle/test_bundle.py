"""A bundle from anybody is read safely: it is refused, and takes neither memory nor time."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from provision.bundle.bundle import FORMAT, MAX_TEXT, named_stage, read_bundle, stages_of, write_bundle
from provision.bundle.capture import capture
from provision.bundle.recorded_view import played
from provision.config.format import Config
from provision.config.json_text.decode import decode
from provision.engine.preflight import simulate
from provision.failures import ActionFailed, Failure
from provision.planning.boot_state import BootState
from provision.planning.machine_view import MachineView
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from tests.target_root import new_root

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
    ids=[
        *("empty", "not-packed", "cut", "too-long", "nested", "list", "fields-missing", "other-format", "field-more"),
        *("stage", "stages-no-list", "reasons-no-texts", "answers-no-mapping", "config-too-new", "config-no-mapping"),
        "long-number",
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


SITE = b"""{"ignition": {"version": "3.4.0"},
"storage": {"files": [{"path": "/etc/a/b", "user": {"name": "core"}, "append": [{"source": "data:,x"}]}]},
"passwd": {"users": [{"name": "core", "groups": ["wheel"]}]}}"""
VALUES: tuple[Any, ...] = (None, 0, -1, 1 << 63, "", "x", "/", "\0", "link", [], {}, True, 1.5, [[]], "x" * 5000)


def changed(value: Any, random: Random) -> Any:
    """The value with one part of it replaced by another value."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        return {**value, key: changed(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.8:
        place = random.randrange(len(value))
        return [*value[:place], changed(value[place], random), *value[place + 1 :]]
    return random.choice(VALUES)


@pytest.mark.parametrize("part", ["answers", "config"])
def test_a_bundle_with_other_values_is_refused_or_planned(part: str, tmp_path: Path) -> None:
    """Whatever is in it, there is no bug to find."""
    machine = Machine(str(new_root(tmp_path)), KernelDevices(), BootState(seed="0" * 64))
    good = json.loads(gzip.decompress(write_bundle(capture([named_stage("files")], decode(SITE), machine))))
    planned = 0
    for seed in range(150):
        odd = good | {part: changed(good[part], Random(seed))}
        with suppress(Failure):
            bundle = read_bundle(packed(odd), "x")
            simulate(stages_of(bundle), bundle.config, played(bundle.answers), lambda _step: None)
            planned += 1
    assert planned < 150
