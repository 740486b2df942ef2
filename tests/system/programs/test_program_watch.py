"""A program that works has no time limit; one that hangs is stopped with all its children."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from provision.system.programs import processes
from provision.system.programs.program_watch import ProgramHangs, WatchSettings, grace_seconds, stop


def settings(reports: list[str] | None = None) -> WatchSettings:
    report = (lambda _line: None) if reports is None else reports.append
    return WatchSettings(report, look=0.05, first_report=0.2, idle=0.6)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends_soon(pid: int) -> bool:
    """Whether a process that was killed is gone. The kernel ends it some time after the signal was sent."""
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


@pytest.mark.slow
def test_a_program_that_hangs_is_reported_and_stopped(tmp_path: Path) -> None:
    reports: list[str] = []
    script = f"trap '' TERM; sleep 50 & echo $! >{tmp_path}/child; sleep 50"
    began = time.monotonic()
    with pytest.raises(ProgramHangs, match="sh did nothing for 1 s and was stopped"):
        processes.run(["sh", "-c", script], watch=settings(reports))
    assert time.monotonic() - began < 45
    assert ends_soon(int((tmp_path / "child").read_text()))
    assert reports
    assert reports[0].startswith("sh has been running for 0 s, idle for 0 s, and is stopped after 1 s")


@pytest.mark.slow
@pytest.mark.parametrize("work", ["while :; do :; done", "exec dd if=/dev/zero of=/dev/null bs=1"])
def test_a_program_that_works_is_left_alone(work: str) -> None:
    """The work is done by a child of the program."""
    reports: list[str] = []
    script = f"sh -c '{work}' & sleep 1.5; kill $!; exit 3"
    assert processes.run(["sh", "-c", script], watch=settings(reports)).status == 3
    assert "at work, 0 MiB written" in reports[0]


def test_output_that_never_ends_is_no_hang_but_silence_is() -> None:
    assert processes.output_of(["sh", "-c", "sleep 0.3; echo x; sleep 0.3; echo y"], b"", 100) == b"x\ny\n"


def test_stopping_ends_the_program_and_all_its_children(tmp_path: Path) -> None:
    script = f"sh -c 'sleep 60 & echo $! >{tmp_path}/deep; wait' & wait"
    pid = os.posix_spawnp("sh", ["sh", "-c", script], os.environ)
    while not (tmp_path / "deep").exists() or not (tmp_path / "deep").read_text():
        time.sleep(0.01)
    stop(pid, 60)
    assert ends_soon(int((tmp_path / "deep").read_text()))


def test_a_program_that_ignores_the_signal_is_killed() -> None:
    pid = os.posix_spawnp("sh", ["sh", "-c", "trap '' TERM; while :; do sleep 300; done"], os.environ)
    stop(pid, 0.1)
    assert not alive(pid)


def test_deriving_a_key_is_not_waited_for() -> None:
    assert grace_seconds(("cryptsetup", "luksFormat", "--batch-mode")) < 1
    assert grace_seconds(("cryptsetup", "luksOpen", "/dev/vda")) == grace_seconds(("mkfs.ext4",)) > 1
