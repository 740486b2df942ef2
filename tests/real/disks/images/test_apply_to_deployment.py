"""`provision apply --root` of a running deployment of OSTree: what is mounted in it can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")]

DEPLOYMENT = f"ostree/deploy/debian/deploy/{'e' * 64}.0"
CONFIG = '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/boot/own"}]}}'
MOUNTED = 'mount --make-rprivate / 2>/dev/null || :; mount -t tmpfs -o "$1" boot "$2/boot"; shift 2; exec "$@"'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A deployment with composefs, which has a /boot of its own."""
    disk = tmp_path / "sysroot"
    for name in ("boot", "etc", "sysroot", "usr/lib/ostree", "var"):
        (disk / DEPLOYMENT / name).mkdir(parents=True)
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    (disk / DEPLOYMENT / "usr/lib/ostree/prepare-root.conf").write_text("[composefs]\nenabled = yes\n")
    (disk / "ostree/boot.1/debian/e748").mkdir(parents=True)
    (disk / "ostree/boot.1/debian/e748/0").symlink_to(f"../../../../{DEPLOYMENT}")
    for name in ("proc", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "run/ostree-booted").touch()
    (tmp_path / "proc/cmdline").write_text("rw ostree=/ostree/boot.1/debian/e748/0\n")
    return tmp_path


@pytest.mark.parametrize(("command", "options", "code"), [("apply", "rw", 0), ("apply", "ro", 1), ("plan", "rw", 1)])
def test_a_boot_that_is_mounted_is_written_and_a_plan_tells_of_the_first_boot(
    command: str, options: str, code: int, root: Path
) -> None:
    argv = [sys.executable, "-m", "provision", command, "--root", str(root), "-"]
    mounted = ["unshare", "--mount", "--propagation", "unchanged", "sh", "-euc", MOUNTED, "sh", options, str(root)]
    done = subprocess.run([*mounted, *argv], input=CONFIG, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    told = "/boot/own is on /, which is read-only in a deployment of OSTree with composefs" in done.stderr
    assert told == bool(code)
    assert (root / "etc/.ignition-result.json").exists() == (code == 0)
