"""Runs on qcow2 images that are killed: alone, and together with QEMU's daemon.

They run in User-Mode Linux: a kernel that waits for a dead daemon waits forever, and can block the whole machine.
"""

from __future__ import annotations

import glob
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.real.disks.images.test_apply import ONE_DISK, provision
from tests.real.disks.images.test_image_formats import check_provisioned, created, digest
from tests.real.disks.machines.test_in_user_mode_linux import INSIDE

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(INSIDE not in os.environ, reason="runs in User-Mode Linux"),
    pytest.mark.skipif(shutil.which("qemu-storage-daemon") is None, reason="there is no qemu-storage-daemon"),
]


def attached() -> int:
    return len(glob.glob("/sys/block/loop*/loop/backing_file"))


def kill(run: subprocess.Popen[str], *, everything: bool) -> None:
    found = ["pgrep", "-f", "qemu-storage-daemon"]
    others = subprocess.run(found, capture_output=True, text=True, check=False).stdout.split() if everything else []
    subprocess.run(["kill", "-9", str(run.pid), *others], check=False)  # some may have ended
    run.communicate()


@pytest.mark.parametrize("everything", [False, True])
def test_a_run_that_is_killed_leaves_the_image_as_it_was(everything: bool, tmp_path: Path) -> None:
    image = created(tmp_path / "a.qcow2", "qcow2")
    before, loops = digest(image), attached()
    seed = random.randrange(1 << 32)
    print("seed", seed)
    pauses = random.Random(seed)
    for _ in range(3):
        command = [sys.executable, "-m", "provision", "apply", "-", "--image", str(image), "--quiet"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            assert run.stdin is not None
            run.stdin.write(json.dumps(ONE_DISK))
            run.stdin.close()
            run.stdin = None
            while attached() == loops and run.poll() is None:
                time.sleep(0.002)
            time.sleep(pauses.uniform(0, 0.4))
            kill(run, everything=everything)
        subprocess.run(["timeout", "20", "sync"], check=True)
    if digest(image) != before:
        check_provisioned(image, tmp_path)
    for path in tmp_path.glob(".*.partial"):
        os.utime(path, (0, 0))
    assert provision("apply", "-", "--image", image, stdin=ONE_DISK).returncode == 0
    check_provisioned(image, tmp_path)
    assert list(tmp_path.glob(".*.partial")) == [], "what killed runs left is removed"
    deadline = time.monotonic() + 10
    while attached() != loops and time.monotonic() < deadline:
        time.sleep(0.05)
    assert attached() == loops
