"""A machine ends with the program that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from provision.system.virtual_machine.running import RunningMachine

SLEEP = ["sleep", "1000"]


def test_the_end_of_the_block_ends_it(tmp_path: Path) -> None:
    with RunningMachine(SLEEP, tmp_path / "log", terminal=False) as running:
        assert running.wait(lambda: True)
        assert running.status is None
    assert running.status == -15


def test_waiting_ends_with_it(tmp_path: Path) -> None:
    with RunningMachine(["true"], tmp_path / "log", terminal=False) as running:
        assert not running.wait()
        assert running.status == 0


def test_it_ends_with_a_program_that_is_killed(tmp_path: Path) -> None:
    """The pipe of the child is closed when it has ended."""
    code = """
import os, signal, sys
from pathlib import Path
from provision.system.virtual_machine.running import RunningMachine
with RunningMachine(["sh", "-c", "echo; exec sleep 1000"], Path(sys.argv[1]), terminal=False):
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as started:
        assert started.stdin is not None
        assert started.stdout is not None
        assert started.stdout.read(1) == b"\n"  # it runs
        started.stdin.write(b"x")
        started.stdin.close()
        assert started.stdout.read() == b""  # it has ended: it was the last to have the pipe
    assert started.returncode == -9
