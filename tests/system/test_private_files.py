from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from provision.failures import Failure
from provision.system.private_files import read_private, write_private


def test_what_is_written_is_read_and_private(tmp_path: Path) -> None:
    path = tmp_path / "run/provision/config"
    assert read_private(str(path)) is None
    write_private(str(path), b"one")
    write_private(str(path), b"two")
    assert read_private(str(path)) == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["config"]


def test_what_a_killed_process_left_is_no_obstacle(tmp_path: Path) -> None:
    left = tmp_path / "config.new"
    left.write_bytes(b"half")
    write_private(str(tmp_path / "config"), b"whole")
    assert [one.name for one in tmp_path.iterdir()] == ["config"]


def test_no_room_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "config"
    write_private(str(path), b"old")
    code = f"""
import resource, signal
from provision.system.private_files import write_private
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
write_private({str(path)!r}, b"new" * 1000)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "File too large" in done.stderr
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["config"]


def test_what_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="Is a directory"):
        read_private(str(tmp_path))
    with pytest.raises(Failure, match="/proc/none/config: "):
        write_private("/proc/none/config", b"x")
