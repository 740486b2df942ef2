"""The modes with which files come into being, as the kernel sees them: strace shows every call that makes one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace"),
]

CALLS = "openat,openat2,mkdir,mkdirat,mknod,mknodat,creat,chmod,fchmod,fchmodat"
CONTENT = b"a secret of the config"


def traced(argv: list[str], trace: Path, code: int) -> list[str]:
    """The calls of a program that make files or change modes, with the paths of descriptors."""
    command = ["strace", "-f", "-y", "-e", f"trace={CALLS}", "-o", str(trace), sys.executable, "-B", *argv]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return [line for line in trace.read_text(errors="replace").splitlines() if " = -1 " not in line]


def test_the_engines_own_files_are_private_from_the_first_instant(tmp_path: Path) -> None:
    own = tmp_path / "run"
    own.mkdir()
    source = f"data:;base64,{b64encode(CONTENT).decode()}"
    config = {
        "ignition": {"version": "3.4.0"},
        "storage": {"files": [{"path": "/secret", "mode": 0o600, "contents": {"source": source}}]},
    }
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/user.ign").write_text(json.dumps(config))
    (tmp_path / "root").mkdir()
    paths = [f"--config-cache={own}/a/cache.json", f"--state-file={own}/b/state", f"--neednet={own}/c/neednet"]
    os.environ["IGNITION_SYSTEM_CONFIG_DIR"] = str(tmp_path / "etc")
    try:
        lines = []
        for stage in ("fetch-offline", "fetch", "files"):
            words = [f"--stage={stage}", "--platform=metal", f"--root={tmp_path}/root", "--log-to-stdout", *paths]
            lines += traced(["-m", "provision", *words], tmp_path / f"trace-{stage}", 0)
    finally:
        del os.environ["IGNITION_SYSTEM_CONFIG_DIR"]
    assert (tmp_path / "root/secret").read_bytes() == CONTENT
    made = [line for line in lines if f"{own}/" in line and ("O_CREAT" in line or "O_TMPFILE" in line)]
    folders = [line for line in lines if str(own) in line and "mkdir" in line]
    assert len(made) >= 2
    assert folders
    for line in made:
        assert re.search(r"\b0?600\)|mode=0600", line), line
    for line in folders:
        assert re.search(r", 0700\)", line), line
    widened = [line for line in lines if "chmod" in line and str(own) in line]
    assert not [line for line in widened if not re.search(r", 0[67]00\b", line)], widened
    secret = [line for line in lines if "O_TMPFILE" in line or ("O_CREAT" in line and "/root/" in line)]
    assert secret
    assert all(re.search(r"0?600\)|mode=0600", line) for line in secret), secret


def test_a_wrong_digest_leaves_the_old_file(tmp_path: Path) -> None:
    """The bytes have no name before they are verified."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "f").write_bytes(b"old")
    served = tmp_path / "served"
    served.write_bytes(b"new")
    verified = {"source": "data:,new", "verification": {"hash": f"sha512-{'0' * 128}"}}
    config = {
        "ignition": {"version": "3.4.0"},
        "storage": {"files": [{"path": "/f", "overwrite": True, "contents": verified}]},
    }
    (tmp_path / "c.ign").write_text(json.dumps(config))
    argv = [sys.executable, "-m", "provision", "apply", str(tmp_path / "c.ign"), "--root", str(root), "--force"]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "verification" in done.stderr or "hash" in done.stderr
    assert (root / "f").read_bytes() == b"old"
    assert sorted(path.name for path in root.rglob("*") if path.is_file()) == ["f"]
