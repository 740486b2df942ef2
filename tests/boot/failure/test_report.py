"""What people at a console see of a boot that stopped."""

from __future__ import annotations

from itertools import product

import pytest

from provision.boot.failure import ssh_login
from provision.boot.failure.policy import HOLD, FailurePolicy
from provision.boot.failure.report import (
    MAX_NAMES,
    FailedUnit,
    failure_lines,
    other_text,
    report_text,
    saved_lines,
    secrets_line,
)
from provision.boot.failure.rows import COLUMNS, ROWS, row_count
from provision.boot.root.kept_content import LOST
from provision.boot.run_files import WITH_SECRETS
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
    told = [f"reason {number}" for number in range(20)]
    shown = report_text([DISKS], told)
    assert shown[-3:-1] == ["  reason 7", "  ... and 12 lines more, in /run/provision/failure"]


def test_of_a_log_the_last_lines_are_shown() -> None:
    told = tuple(f"{number} {'x' * 150}" for number in range(5))
    shown = report_text([DISKS._replace(result="oom-kill", last_lines=told)], [])
    assert [line[:4] for line in shown[2:-2]] == ["  0 ", "  1 ", "  2 ", "  3 ", "  4 "]
    assert shown[-2] == "  hint: give the machine more memory"
    assert row_count(shown) <= ROWS
    hung = report_text([DISKS._replace(last_lines=told)], [], rows=7)
    assert [line[:4] for line in hung[2:-1]] == ["  2 ", "  3 ", "  4 "]


def test_all_last_lines_of_a_fetch_that_hangs_are_shown() -> None:
    waits = (
        f"NOTICE   : waiting for http://192.0.2.1:40000/payload for {n} s (without limit): it" for n in (5, 15, 45)
    )
    hung = FailedUnit("provision-files.service", "timeout", ("one", "GET http://192.0.2.1:40000/p: attempt #1", *waits))
    shown = report_text([hung], [], bundle=True, rows=ROWS - row_count(secrets_line(list(WITH_SECRETS))))
    assert "  GET http://192.0.2.1:40000/p: attempt #1" in shown


def test_a_hint_is_shown_whatever_the_length_of_the_reasons() -> None:
    shown = report_text([DISKS], ["x" * 2000, "hint: add a disk", "y" * 2000])
    assert shown[-2] == "  hint: add a disk"
    assert shown[-3] == "  ... the whole text is in /run/provision/failure"
    assert {len(line) for line in shown[1:3]} == {3 * COLUMNS}


LENGTHS = (0, 78, 79, 240, 5000)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 50])
@pytest.mark.parametrize("units", [0, 1, MAX_NAMES + 2])
def test_a_report_fits_on_a_screen(count: int, units: int) -> None:
    failed = [FailedUnit("provision-fetch-offline.service", "timeout", ("z" * 300,) * 5)] * units
    for length, hint, rows in product(LENGTHS, LENGTHS, (ROWS, ROWS - 3)):
        saved = ["r" * length] * count + [f"hint: {'h' * hint}"] * (hint % 4)
        assert row_count(report_text(failed, saved, bundle=True, rows=rows)) <= rows
        assert row_count(other_text(saved, failed, rows)) <= rows


def test_a_held_machine_with_all_its_lines_fits_too() -> None:
    """The lines about secrets, the policy and ssh leave rows for a reason and its hint."""
    tail = [*secrets_line(list(WITH_SECRETS)), FailurePolicy(HOLD).sentence()]
    rows = ROWS - row_count(tail) - ssh_login.ROWS
    shown = report_text([DISKS], ["x" * 500, "hint: do this"], bundle=True, rows=rows)
    assert shown[1][:9] + shown[-2] == "  xxxxxxx  hint: do this"
    assert row_count([*shown, *tail]) + ssh_login.ROWS <= ROWS
    key = f"Log in as root by ssh, with the key of {ssh_login.ARGUMENT}. The key of this host: SHA256:{'x' * 43}"
    assert row_count([key, "addresses"]) == ssh_login.ROWS


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
    assert other_text([], [])[-1] == "The log: journalctl -b"


def test_an_initramfs_without_systemd_has_no_journal() -> None:
    assert other_text(["there is no root device /dev/sda"], [], has_journal=False)[-1] == "The log: /run/provision/log"


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
