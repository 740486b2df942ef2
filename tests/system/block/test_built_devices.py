"""Devices that are built on others are closed at the end of a run, as far as that is possible."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.system.block.built_devices import teardown
from tests.real.disks.loop_devices import MIB, blank, loop

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]


def test_a_device_that_cannot_be_closed_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop devices below it are detached after this, so nothing may be raised."""
    name = f"seam-{os.getpid()}"
    with loop(blank(tmp_path / "disk.img", MIB)) as node:
        made = ["dmsetup", "create", name, "--table", f"0 1024 linear {node} 0"]
        if subprocess.run(made, check=False, capture_output=True).returncode != 0:
            pytest.skip("the kernel has no device mapper")
        try:
            with monkeypatch.context() as without_programs:
                without_programs.setenv("PATH", str(tmp_path))
                teardown({node})
                assert mappings(name)
            teardown({node})
            assert not mappings(name)
        finally:
            subprocess.run(["dmsetup", "remove", "--retry", name], check=False, capture_output=True)


def mappings(name: str) -> list[Path]:
    """The mappings of this name that the kernel has."""
    return [one for one in Path("/sys/class/block").glob("dm-*/dm/name") if one.read_text().strip() == name]
