"""What people at a console see of a boot that stopped."""

from __future__ import annotations

import pytest

from provision.boot.failure.report import (
    MAX_LINES,
    MAX_NAMES,
    FailedUnit,
    failure_lines,
    other_text,
    report_text,
    saved_lines,
    secrets_line,
)
from provision.boot.root.kept_content import LOST
from provision.config.problems import Problem
from provision.failures import ActionFailed, ConfigInvalid, PlanRefused
from provision.fetch.user_data.reading import read_config
from provision.log import silent

DISKS = FailedUnit("provision-disks.service", "exit-code")


def test_a_failure_is_reported_in_lines() -> None:
    assert failure_lines(PlanRefused([Problem(("a", 1), "one"), Problem((), "two")], hint="do this")) == [
        "a[1]: one",
        "two",
        "hint: do this",
    ]
    assert failure_lines(ActionFailed("make ext4", "mkfs.ext4:\nno room")) == ["make ext4: mkfs.ext4:", "no room"]


def test_the_errors_of_a_config_are_reported_with_their_places() -> None:
    with pytest.raises(ConfigInvalid) as raised:
        read_config(b'{"ignition": {"version": "3.4.0", "timeouts": 3}}', "qemu", silent)
    lines = saved_lines(raised.value)
    assert lines[0] == "qemu: config is not valid"
    assert lines[1].startswith("qemu:1:47: ignition.timeouts: ")
    with pytest.raises(ConfigInvalid) as raised:
        read_config(b'{"ignition": {"version": "9.0.0"}}', "qemu", silent)
    assert saved_lines(raised.value)[1].startswith("qemu:1:26: ignition.version: unsupported config version (hint: ")


def test_the_unit_and_what_it_left_are_shown() -> None:
    shown = report_text(
        [DISKS._replace(last_lines=("noise",))], ["storage.disks[0]: there is no device /dev/vdb", "hint: add one"]
    )
    assert shown[:3] == [
        "The first boot stopped: provision-disks.service failed (exit-code)",
        "  storage.disks[0]: there is no device /dev/vdb",
        "  hint: add one",
    ]
    assert "noise" not in "".join(shown)


def test_a_unit_that_was_killed_could_leave_nothing() -> None:
    shown = report_text([FailedUnit("provision-files.service", "timeout", ("files: fetch http://a/b",))], [])
    assert shown[0].endswith("(timeout)")
    assert shown[1:3] == ["It said last:", "  files: fetch http://a/b"]
    assert "It said last:" not in report_text([DISKS], [])


def test_the_log_is_that_of_the_units_that_run_the_program() -> None:
    assert report_text([DISKS], [])[-1].endswith("The log: journalctl -u 'provision-*'")
    assert report_text([FailedUnit("ignition-disks.service", "exit-code")], [])[-1].endswith("-u 'ignition-*'")


def test_without_systemd_there_are_no_units() -> None:
    shown = report_text([], ["storage.disks[0]: there is no device /dev/vdb"])
    assert shown[:2] == [
        "The first boot stopped: a stage failed",
        "  storage.disks[0]: there is no device /dev/vdb",
    ]
    assert "The log: /run/provision/log" in shown[-1]
    assert "The log: journalctl" in report_text([DISKS], [])[-1]


def test_the_bundle_is_named_if_there_is_one() -> None:
    shown = report_text([DISKS], [], bundle=True)
    assert shown[-1].endswith("journalctl -u 'provision-*'; for provision replay: /run/provision/bundle")
    assert len(shown) == len(report_text([DISKS], []))


def test_a_long_story_is_cut() -> None:
    told = [f"reason {number}" for number in range(MAX_LINES + 5)]
    shown = report_text([DISKS], told)
    assert shown[-3:-1] == [f"  reason {MAX_LINES - 1}", "  ... and 5 lines more, in /run/provision/failure"]
    hung = report_text([DISKS._replace(result="oom-kill", last_lines=tuple(told))], [])
    assert hung[-2] == "  hint: give the machine more memory"
    # and the sentence about what the machine does then
    assert len([*hung, *secrets_line(["/a"])]) <= 11


def test_files_with_secrets_are_named() -> None:
    (line,) = secrets_line(["/run/ignition.json", "/run/provision/blobs"])
    assert line.endswith(": /run/ignition.json, /run/provision/blobs")
    assert secrets_line([]) == []


def test_a_boot_that_stopped_without_a_unit_of_ours() -> None:
    assert other_text(["there is no root device /dev/sda", "hint: attach it"], [DISKS])[:2] == [
        "The boot stopped: there is no root device /dev/sda",
        "  hint: attach it",
    ]
    assert other_text([], [])[0] == "The boot stopped: no unit failed"


def test_a_driver_that_is_missing_is_hinted_at() -> None:
    mount = FailedUnit("sysroot.mount", "exit-code", ("mount: /sysroot: unknown filesystem type 'zfs'.",))
    assert other_text([], [mount])[:3] == [
        "The boot stopped: sysroot.mount failed (exit-code)",
        "  mount: /sysroot: unknown filesystem type 'zfs'.",
        "  hint: the driver of this file system is not in the initramfs: add it (dracut --add-drivers)",
    ]


def test_many_units_are_counted() -> None:
    shown = other_text([], [DISKS] * (MAX_NAMES + 2))
    assert shown[0].count("provision-disks.service") == MAX_NAMES
    assert shown[0].endswith(" and 2 more")


def test_what_the_next_boot_does_is_said_only_where_it_goes_on() -> None:
    went_on = "The next boot provisions again"
    assert report_text([DISKS], ["no room"])[-1].startswith(went_on)
    for saved, decided in ([f"hint: {LOST}"], True), (["the record of another machine"], False):
        assert report_text([DISKS], saved, decided=decided)[-1] == "The log: journalctl -u 'provision-*'"
    ignition = FailedUnit("ignition-disks.service", "exit-code")
    assert report_text([ignition], ["no room"], decided=False)[-1].startswith(went_on)
