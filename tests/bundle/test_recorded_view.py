"""What was recorded is given again, and a plan made of it is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provision.bundle.bundle import named_stage, read_bundle, stages_of, write_bundle
from provision.bundle.capture import capture
from provision.bundle.recorded_view import QUESTIONS, played
from provision.config.json_text.decode import decode
from provision.engine.preflight import simulate
from provision.failures import Failure, PlanRefused
from provision.planning.boot_state import BootState
from provision.planning.machine_view import MachineView
from provision.stages import STAGES
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from tests.target_root import new_root

ROOT = {"etc/hostname": "old\n", "etc/ssh/sshd_config": "", "home/a/x": ""}


def config(**parts: Any) -> bytes:
    return json.dumps({"ignition": {"version": "3.4.0"}, **parts}).encode()


def storage(**parts: Any) -> bytes:
    return config(storage=parts)


@pytest.mark.parametrize(
    "text",
    [
        storage(files=[{"path": "/etc/hostname", "contents": {"source": "data:,new"}}]),
        storage(files=[{"path": "/etc/hostname/x"}], links=[{"path": "/etc/ssh", "target": "/x"}]),
        storage(files=[{"path": "/x", "user": {"name": "nobody-here"}}]),
        config(passwd={"users": [{"name": "root", "groups": ["missing"]}, {"name": "new", "primaryGroup": "none"}]}),
        config(kernelArguments={"shouldExist": ["a=b"]}),
        storage(directories=[{"path": "/etc/hostname"}]),
    ],
)
def test_a_plan_is_refused_in_the_same_words(text: bytes, tmp_path: Path) -> None:
    machine = Machine(str(new_root(tmp_path, ROOT)), KernelDevices(), BootState(seed="0" * 64))
    stages = [named_stage(name) for name in STAGES]
    with pytest.raises(PlanRefused) as here:
        simulate(stages, decode(text), machine, lambda _step: None)
    bundle = read_bundle(write_bundle(capture(stages, decode(text), machine)), "bundle")
    with pytest.raises(PlanRefused) as there:
        simulate(stages_of(bundle), bundle.config, played(bundle.answers), lambda _step: None)
    assert there.value.problems == here.value.problems


def test_a_plan_has_the_same_steps(tmp_path: Path) -> None:
    text = config(
        storage={
            "files": [{"path": "/etc/hostname", "overwrite": True, "contents": {"source": "data:,new"}}],
            "disks": [{"device": "/dev/nowhere", "partitions": [{"number": 1, "label": "a"}]}],
            "filesystems": [{"device": "/dev/disk/by-partlabel/a", "format": "ext4", "path": "/srv"}],
        },
        passwd={"users": [{"name": "core", "passwordHash": "$y$secret"}]},
        systemd={"units": [{"name": "a.service", "enabled": True, "contents": "[Install]\nWantedBy=b.target\n"}]},
    )
    machine = Machine(str(new_root(tmp_path, ROOT)), KernelDevices(), BootState(seed="0" * 64))
    stages = [named_stage(name) for name in ("disks", "base", "mount", "files", "umount")]
    here = simulate(stages, decode(text), machine, lambda _step: None)
    bundle = read_bundle(write_bundle(capture(stages, decode(text), machine)), "bundle")
    there = simulate(stages_of(bundle), bundle.config, played(bundle.answers), lambda _step: None)
    assert len(here) > 10
    assert [(one.stage, one.action.title) for one in there] == [(one.stage, one.action.title) for one in here]


def test_every_question_of_a_view_can_be_asked() -> None:
    assert {"device", "table", "content", "boot_state", "account_refusal"} <= QUESTIONS
    view: MachineView = played({})
    with pytest.raises(Failure, match="no answer to the question device /dev/vda"):
        view.device("/dev/vda")
