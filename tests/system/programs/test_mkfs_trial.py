"""Trials of whether mkfs programs accept a size, with the real programs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provision.stages.disks.filesystems import MAKERS
from provision.stages.disks.mkfs_options import TRIED_BELOW
from provision.system.programs.mkfs_trial import refusal
from provision.system.programs.program_watch import WatchSettings

MIB = 1 << 20

needs_xfs = pytest.mark.skipif(not shutil.which("mkfs.xfs"), reason="mkfs.xfs is not installed")


@needs_xfs
def test_xfs_on_199_mib_is_refused_in_its_own_words() -> None:
    assert "larger than 300MB" in refusal(("mkfs.xfs", "-N", "-f"), 199 * MIB)
    assert refusal(("mkfs.xfs", "-N", "-f"), 300 * MIB) == ""


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_what_is_too_small_for_everything(name: str) -> None:
    maker = MAKERS[name]
    if shutil.which(maker.program) is None:
        pytest.skip(f"{maker.program} is not installed")
    argv = (maker.program, *maker.dry_run, *maker.force)
    said = refusal(argv, 20 << 10)
    assert said
    assert "/proc" not in said
    assert "\n" not in said
    assert refusal(argv, TRIED_BELOW) == ""


def test_a_missing_program_is_not_a_refusal() -> None:
    assert refusal(("mkfs.not-here",), MIB) == ""


def test_a_program_that_fails_without_output() -> None:
    assert refusal(("false",), MIB) == "false ends with status 1"


def test_a_killed_program_is_not_a_refusal(tmp_path: Path) -> None:
    program = tmp_path / "mkfs.killed"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    assert refusal((str(program),), MIB) == ""


def test_a_program_that_hangs_is_not_a_refusal() -> None:
    watch = WatchSettings(look=0.05, idle=0.3)
    assert refusal(("sh", "-c", "sleep 300"), MIB, watch) == ""
