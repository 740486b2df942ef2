"""Plans as text and as JSON."""

from __future__ import annotations

import json

from provision.commands.plan_output import COLOURS, Style, is_change, plan_json, plan_lines
from provision.config.format import Config
from provision.engine.preflight import Step
from provision.planning.actions import Keep, RunProgram, WaitForDevices
from provision.planning.arguments import Content
from provision.planning.file_actions import WriteFile
from provision.planning.root.unknown_root import restored_root
from tests.stages.world import World

STEPS = [
    Step("disks", 1, WaitForDevices(("/dev/vdb",), config_path=("storage", "disks", 0))),
    Step(
        "disks",
        2,
        RunProgram(
            "make ext4", ("mkfs.ext4",), frozenset(), config_path=("storage", "filesystems", 0), destroys="xfs 'old'"
        ),
    ),
    Step("files", 3, Keep("/etc", "it is there", ("storage", "directories", 0))),
    Step("files", 4, WriteFile("/etc/motd", (Content(b"hi"),), config_path=("storage", "files", 0))),
]


def test_steps_are_numbered_by_stage_and_data_loss_is_marked() -> None:
    assert list(plan_lines(STEPS, ["a note"], Style(), {}, verbose=False)) == [
        "2 changes, 1 of them known to be destructive, 1 thing kept as found (--verbose shows them)",
        "note: a note",
        "\ndisks",
        "   1   wait for /dev/vdb (not visible here: assumed to be blank and large enough)  [storage.disks[0]]",
        "   2 ! make ext4  [storage.filesystems[0]]",
        "       destroys xfs 'old'",
        "\nfiles",
        "   3   write /etc/motd (0644)  [storage.files[0]]",
    ]


def test_without_an_unseen_device_all_that_is_destroyed_is_known() -> None:
    summary = next(plan_lines(STEPS[1:], [], Style(), {}, verbose=True))
    assert summary == "2 changes, 1 of them destructive, 1 thing kept as found"


def test_steps_of_other_programs_are_not_counted_as_changes() -> None:
    ((step,),) = restored_root(Config(), World())
    assert not is_change(step)
    assert is_change(STEPS[1].action)


def test_verbose_shows_unchanged_parts() -> None:
    assert any("keep /etc" in line for line in plan_lines(STEPS, [], Style(), {}, verbose=True))


def test_colour_only_when_asked() -> None:
    assert not any("\033" in line for line in plan_lines(STEPS, [], Style(), {}, verbose=True))
    assert any("\033[1;31m!" in line for line in plan_lines(STEPS, [], COLOURS, {}, verbose=True))


def test_a_device_that_cannot_be_read_is_not_reported_to_be_blank() -> None:
    named = ("/dev/vdb",)
    text = "\n".join(plan_lines(STEPS, [], Style(), {}, verbose=True, unreadable=named))
    assert "/dev/vdb (it cannot be read: what is on it is not known)" in text
    assert "blank" not in text
    assert json.loads(plan_json(STEPS, [], {}, named))["steps"][0]["unreadable"] == ["/dev/vdb"]


def test_json_has_the_same_content_as_the_text() -> None:
    plan = json.loads(plan_json(STEPS, ["a note"], {}))
    assert plan["changes"] == 2
    assert plan["notes"] == ["a note"]
    assert [step["action"] for step in plan["steps"]] == ["WaitForDevices", "RunProgram", "Keep", "WriteFile"]
    assert plan["steps"][1]["destroys"] == "xfs 'old'"
    assert plan["steps"][0]["assumed"] is True
