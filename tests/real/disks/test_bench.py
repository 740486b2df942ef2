"""The benchmark runs to its end, and so do all stages in a node with systemd and udevd."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.real.disks.machines import systemd_container

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices"),
    pytest.mark.skipif(
        bool(systemd_container.lacking()), reason=f"there is no {systemd_container.lacking()} for a node"
    ),
]


def test_one_round_of_few_files() -> None:
    argv = [sys.executable, "-m", "tests.real.disks.bench", "--rounds", "1", "--only", "few"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "whole node" in done.stdout
