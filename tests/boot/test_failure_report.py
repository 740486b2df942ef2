"""What people at a console see of a boot that stopped."""

from __future__ import annotations

from provision.boot.failure_report import MAX_LINES, FailedUnit, failure_lines, other_text, report_text
from provision.config.problems import Problem
from provision.failures import ActionFailed, PlanRefused

DISKS = FailedUnit("provision-disks.service", "exit-code")


def test_a_failure_is_told_in_lines() -> None:
    assert failure_lines(PlanRefused([Problem(("a", 1), "one"), Problem((), "two")], hint="do this")) == [
        "a[1]: one",
        "two",
        "hint: do this",
    ]
    assert failure_lines(ActionFailed("make ext4", "mkfs.ext4:\nno room")) == ["make ext4: mkfs.ext4:", "no room"]


def test_the_unit_and_what_it_left_are_shown() -> None:
    shown = report_text(
        [DISKS._replace(last_lines=("noise",))], ["storage.disks[0]: there is no device /dev/vdb", "hint: add one"]
    )
    assert shown.splitlines()[1:4] == [
        "The first boot stopped: provision-disks.service failed (exit-code)",
        "  storage.disks[0]: there is no device /dev/vdb",
        "  hint: add one",
    ]
    assert "noise" not in shown


def test_a_unit_that_was_killed_could_leave_nothing() -> None:
    shown = report_text([FailedUnit("provision-files.service", "timeout", ("files: fetch http://a/b",))], [])
    assert "(timeout)\nIt said last:\n  files: fetch http://a/b\n" in shown
    assert "It said last" not in report_text([DISKS], [])


def test_without_systemd_there_are_no_units() -> None:
    shown = report_text([], ["storage.disks[0]: there is no device /dev/vdb"])
    assert shown.splitlines()[1:3] == [
        "The first boot stopped: a stage failed",
        "  storage.disks[0]: there is no device /dev/vdb",
    ]
    assert "The log: /run/provision/log" in shown
    assert "The log: journalctl" in report_text([DISKS], [])


def test_a_long_story_is_cut() -> None:
    shown = report_text([DISKS], [f"reason {number}" for number in range(MAX_LINES + 5)])
    assert f"reason {MAX_LINES - 1}\n  ... and 5 lines more, in /run/provision/failure\n" in shown
    assert len(shown.split("\n")[1:-1]) <= 12


def test_a_boot_that_stopped_without_a_unit_of_ours() -> None:
    assert other_text(["there is no root device /dev/sda", "hint: attach it"], [DISKS]).splitlines()[1:3] == [
        "The boot stopped: there is no root device /dev/sda",
        "  hint: attach it",
    ]
    mount = FailedUnit("sysroot.mount", "exit-code", ("wrong fs type",))
    assert "The boot stopped: sysroot.mount failed (exit-code)\n  wrong fs type\n" in other_text([], [mount])
    assert "The boot stopped: no unit failed\n" in other_text([], [])
