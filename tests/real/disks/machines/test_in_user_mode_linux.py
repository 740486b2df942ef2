"""Runs the tests that need md or dm-crypt on a kernel that has them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.real.disks.machines import user_mode_linux

INSIDE = "PROVISION_IN_GUEST"

NAMES = (
    "devices/test_raid_and_luks",
    "images/test_built_devices",
    "security/test_sandbox",
    "devices/test_disks_stage",
    "devices/test_kernel_devices",
    "images/test_two_runs",
    "images/test_killed_images",
)
TESTS = (
    *(f"tests/real/disks/{name}.py" for name in NAMES),
    "tests/real/disks/security/test_secrets.py::test_no_encrypted_volume_tells_a_secret",
    "tests/real/disks/interruption/test_interrupted_disks.py::test_arrays_and_volumes",
    "tests/real/disks/interruption/test_interrupted_disks.py::test_a_half_made_array_or_volume_is_made_again",
)


@pytest.mark.disks
@pytest.mark.timeout(900)  # it has its own time limit
@pytest.mark.skipif(INSIDE in os.environ, reason="runs outside of the guest")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skipif(
    bool(user_mode_linux.lacking()), reason=f"there is no {user_mode_linux.lacking()} for User-Mode Linux"
)
def test_everything_that_needs_md_or_dm_crypt(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
    environment = {INSIDE: "1", "HOME": "/root", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    ended = user_mode_linux.run(command, tmp_path, environment, seconds=800)
    print(ended.output)
    assert ended.status == 0, ended.output[-4000:]
    assert " passed" in ended.output
