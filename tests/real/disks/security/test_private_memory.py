"""Keys stay in the memory of `apply`: no core dump, no other process, no swap gets them. Tools leave no core dumps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

CONFIG = {
    "ignition": {"version": "3.4.0"},
    "storage": {
        "disks": [{"device": "/dev/vda"}],
        "filesystems": [{"device": "/dev/vda", "format": "ext4", "path": "/"}],
    },
}
LOOK = """\
#!/bin/sh
cat /proc/$PPID/limits /proc/$PPID/status >{log}
cat /proc/self/limits >{log}.tool
stat -c %U /proc/$PPID/mem >>{log}
exec {real} "$@"
"""


def test_apply_keeps_its_memory_to_itself(tmp_path: Path) -> None:
    tool, log = tmp_path / "bin/mkfs.ext4", tmp_path / "log"
    tool.parent.mkdir()
    tool.write_text(LOOK.format(log=log, real=shutil.which("mkfs.ext4")))
    tool.chmod(0o755)
    argv = [sys.executable, "-m", "provision", "apply", "-", "--image", str(tmp_path / "a.img"), "--size", "64M"]
    environment = {**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}"}
    subprocess.run(argv, input=json.dumps(CONFIG), env=environment, text=True, check=True, capture_output=True)
    values = dict(line.split(":\t", 1) for line in log.read_text().splitlines() if ":\t" in line)
    for path in (log, tmp_path / "log.tool"):
        core = next(line for line in path.read_text().splitlines() if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"]
    locked, resident = (int(values[name].split()[0]) for name in ("VmLck", "VmRSS"))
    assert locked > resident / 2, "mapped pages count as locked once they are there"
