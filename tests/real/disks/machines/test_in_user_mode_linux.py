"""Runs the tests that need md or dm-crypt on a kernel that has them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.real.disks.machines import user_mode_linux

INSIDE = "PROVISION_IN_GUEST"

TESTS = tuple(
    f"tests/real/disks/{name}"
    for name in (
        "devices/test_raid_and_luks.py",
        "devices/test_disks_stage.py::test_everything_and_once_more[loop-512]",
        "devices/test_disks_stage.py::test_tables_change_as_planned[loop-4096]",
        "devices/test_kernel_devices.py::test_the_kernel_follows[512]",
        "devices/test_kernel_devices.py::test_a_device_mapper_disk_has_mappings_for_partitions",
        "images/test_apply_again_in_guest.py",
        "images/test_built_devices.py",
        "images/test_two_runs.py",
        "images/test_killed_images.py",
        "interruption/test_interrupted_disks.py::test_arrays_and_volumes",
        "interruption/test_interrupted_disks.py::test_a_half_made_array_or_volume_is_made_again",
        "security/test_sandbox.py::test_a_volume_on_an_array",
        "security/test_secrets.py::test_no_encrypted_volume_tells_a_secret",
        "security/test_secrets.py::test_no_image_with_an_encrypted_root_tells_a_secret",
    )
)
"""What needs md, dm-crypt, vfat or the kernel's reader of GPT. The guest is slow: each of its system calls is a
stop of ptrace(2)."""


@pytest.mark.disks
@pytest.mark.timeout(1100)  # it has its own time limit
@pytest.mark.skipif(INSIDE in os.environ, reason="runs outside of the guest")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skipif(
    bool(user_mode_linux.lacking()), reason=f"there is no {user_mode_linux.lacking()} for User-Mode Linux"
)
def test_everything_that_needs_md_or_dm_crypt(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
    environment = {INSIDE: "1", "HOME": "/root", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    ended = user_mode_linux.run(command, tmp_path, environment, seconds=1000)
    print(ended.output)
    assert ended.status == 0, ended.output[-4000:]
    assert " passed" in ended.output
