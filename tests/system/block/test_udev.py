from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provision.system.block import udev


def test_a_monitor_without_looking_for_the_library() -> None:
    """With an empty PATH neither ldconfig nor gcc can be asked; private names of pyudev are used (see the module)."""
    program = (
        "from provision.system.block.udev import KERNEL, BlockEvents\n"
        "print(BlockEvents(KERNEL).until(lambda event: True, 0.05))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout in {"True\n", "False\n"}


def test_waiting_ends() -> None:
    began = time.monotonic()
    assert not udev.BlockEvents(udev.UDEV).until(lambda event: event.sys_path == "no such device", 0.2)
    assert 0.2 <= time.monotonic() - began < 20


@pytest.mark.skipif(Path("/run/udev/control").exists(), reason="udevd is running")
def test_without_udevd_there_is_nothing_to_wait_for() -> None:
    udev.settle(["/sys/class/block/no-such-device"], 60)
