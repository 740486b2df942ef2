"""The plan that the page shows, without a browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from page.blank_machine_plan import plan_of
from page.build import examples
from provision.commands.plan_output import Style, plan_lines
from provision.engine.preflight import simulate
from provision.planning.root.unknown_machine import UnknownMachine
from provision.stages import all_stages
from transpiler import transpile

HEAD = "variant: fcos\nversion: 1.5.0\n"
HELD = json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/held"}]}})
ROOT = "The root file system has nothing of this config yet."


def plan(text: str) -> Any:
    """The answer for a text, as the page reads it."""
    return json.loads(json.dumps(plan_of(transpile(text.encode()))))


def titles(text: str) -> list[str]:
    """The steps of a text."""
    return [one["title"] for one in plan(text)["steps"]]


@pytest.mark.parametrize("example", examples(), ids=lambda one: one["name"])
def test_the_steps_are_those_that_the_program_prints(example: dict[str, str]) -> None:
    config = transpile(example["text"].encode()).config
    assert config is not None
    steps = simulate(all_stages(), config, UnknownMachine(None, config), lambda _step: None)
    printed = [*plan_lines(steps, (), Style(), {}, verbose=False)]
    answer = plan(example["text"])
    assert answer["summary"] == printed[0]
    lines = [line for line in printed[1:] if line[:4].strip()[:1].isdigit()]
    assert len(lines) == len(answer["steps"])
    for line, step in zip(lines, answer["steps"], strict=True):
        assert line.startswith(f"{step['number']:4}   {step['title']}")
    assert [one for one in answer["steps"] if one["config_path"] and not one["line"]] == []


def test_a_disk_is_partitioned_formatted_and_mounted() -> None:
    disk = "disks: [{device: /dev/x, partitions: [{label: a}]}]"
    made = "filesystems: [{device: /dev/disk/by-partlabel/a, format: ext4, path: /var, with_mount_unit: true}]"
    answer = plan(f"{HEAD}storage:\n  {disk}\n  {made}\n")
    assert [one["title"] for one in answer["steps"]][:5] == [
        "wait for /dev/x",
        "partition /dev/x: create partition 1 'a' (the rest)",
        "make ext4 on /dev/disk/by-partlabel/a",
        "make directory /var (0755)",
        "mount /dev/x1 at /var",
    ]
    assert [one["stage"] for one in answer["steps"]][:5] == ["disks"] * 3 + ["mount"] * 2
    assert answer["steps"][1]["line"] == 4
    assert answer["assumed"][0].startswith("Every disk is blank and has 1 TiB, with sectors of 512 bytes.")


def test_what_is_assumed_fits_the_config() -> None:
    assert [one.partition(".")[0] + "." for one in plan(HEAD)["assumed"]] == [
        ROOT,
        "Every program that a step needs is installed.",
        "Nothing is fetched: contents that are elsewhere are named, and neither their hash nor their size is checked.",
    ]
    role = "machineconfiguration.openshift.io/role: worker"
    cluster = f"variant: openshift\nversion: 4.14.0\nmetadata: {{name: x, labels: {{{role}}}}}\n"
    assert "The cluster does what else the MachineConfig says." in plan(cluster)["assumed"][-1]


def test_a_refused_plan_has_all_reasons_with_their_places() -> None:
    disk = "disks: [{device: /dev/x, partitions: [{label: a, size_mib: 9000000}]}]"
    files = "files:\n    - path: /a\n    - path: /a/b"
    answer = plan(f"{HEAD}storage:\n  {disk}\n  {files}\n")
    assert (answer["summary"], answer["steps"]) == ("", [])
    found = {one["path"]: (one["line"], one["message"]) for one in answer["reasons"]}
    assert found["storage.disks[0].partitions[0]"][0] == 4
    assert "no room for 18432000000 sectors" in found["storage.disks[0].partitions[0]"][1]
    assert found["storage.files[1]"] == (7, "/a/b: /a is not a directory")
    assert answer["assumed"][0].startswith("Every disk is blank")


def test_a_refused_plan_of_a_container_linux_config_has_its_reasons() -> None:
    answer = plan("passwd: {users: [{name: a, shell: zsh}]}\n")
    assert [(one["message"], one["line"]) for one in answer["reasons"]] == [("'zsh' is not an absolute path", None)]


def test_what_is_elsewhere_is_named_without_its_secrets() -> None:
    source = "https://user:sekrit@host/f?token=sekrit"
    hidden = "https://host/f"
    text = f"{HEAD}storage: {{files: [{{path: /a, contents: {{source: '{source}'}}}}]}}\n"
    assert f"fetch {hidden}" in titles(text)
    merged = plan(f"{HEAD}ignition: {{config: {{merge: [{{source: '{source}'}}]}}}}\n")
    assert merged["assumed"][-1] == f"The config at {hidden} is merged in on the machine: its steps are missing."
    replaced = plan(f"{HEAD}ignition: {{config: {{replace: {{source: '{source}'}}}}}}\n{text[len(HEAD) :]}")
    assert replaced["steps"] == []
    assert [one["message"] for one in replaced["reasons"]] == [
        f"the machine uses the config at {hidden} in place of this one; it is not fetched here"
    ]
    assert "sekrit" not in json.dumps([plan(text), merged, replaced])


def test_what_looks_like_a_secret_is_hidden_in_steps_and_reasons() -> None:
    token = "ghp_" + "a" * 36
    text = f"{HEAD}storage: {{files: [{{path: /{token}}}]}}\n"
    assert "write /(not shown) (0644)" in titles(text)
    refused = plan(f"{HEAD}storage: {{files: [{{path: /{token}}}, {{path: /{token}/b}}]}}\n")
    assert refused["reasons"]
    assert token not in json.dumps([plan(text), refused])


def test_control_characters_are_replaced_as_in_a_printed_plan() -> None:
    assert "write /a\ufffd<b>\ufffd (0644)" in titles(f'{HEAD}storage: {{files: [{{path: "/a\\u202e<b>\\n"}}]}}\n')


def test_a_config_inside_the_config_takes_part() -> None:
    merge = f"ignition: {{config: {{merge: [{{inline: '{HELD}'}}]}}}}"
    answer = plan(f"{HEAD}{merge}\nstorage: {{files: [{{path: /own}}]}}\n")
    lines = {one["title"]: one["line"] for one in answer["steps"]}
    assert (lines["write /own (0644)"], lines["write /held (0644)"]) == (4, None)
    assert [one for one in answer["assumed"] if "missing" in one] == []
