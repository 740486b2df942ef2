"""Runs tests of devices again in a container that has systemd and udevd."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from tests.real.disks.machines import systemd_container

TESTS = tuple(
    f"tests/real/disks/{name}.py"
    for name in ("devices/test_kernel_devices", "devices/test_disks_stage", "security/test_sandbox")
)


@pytest.mark.disks
@pytest.mark.timeout(400)  # it has its own time limit
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")
@pytest.mark.skipif(
    bool(systemd_container.lacking()), reason=f"there is no {systemd_container.lacking()} for a container"
)
def test_everything_that_udevd_follows(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = ["-q", "-p", "no:cacheprovider", f"--basetemp={systemd_container.FOLDER}/tests", "-k", "not image"]
        status = systemd_container.run([sys.executable, "-m", "pytest", *options, *TESTS], Path(folder), seconds=300)
    said = capfd.readouterr().out
    assert status == 0, said[-4000:]
    assert " passed" in said
