"""System calls fail: the error names the action, there is no traceback, and the next run finishes the work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.disks.security import hostile_tree

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

HELLO = {"source": "data:,hello"}
CONFIG = {
    "ignition": {"version": "3.4.0"},
    "passwd": {"users": [{"name": "old", "passwordHash": "$y$x"}]},
    "storage": {
        "directories": [{"path": "/srv/a", "mode": 448}],
        "files": [
            {"path": "/srv/a/new", "contents": HELLO},
            {"path": "/etc/issue", "overwrite": True, "contents": HELLO},
            {"path": "/etc/motd", "append": [HELLO]},
        ],
        "links": [{"path": "/srv/link", "target": "a"}, {"path": "/srv/hard", "target": "/etc/issue", "hard": True}],
    },
}
WORDS = {"EIO": "Input/output error", "ENOSPC": "No space left on device", "ENOMEM": "Cannot allocate memory"}
CALLS = (
    "fsync",
    "syncfs",
    "linkat",
    "rename,renameat,renameat2",
    "fchown",
    "fchmod",
    "mkdirat",
    "unlinkat",
    "symlinkat",
)


@pytest.mark.parametrize("error", WORDS)
@pytest.mark.parametrize("call", [*CALLS, "sendfile", "getdents64"])
def test_an_error_is_reported_and_the_next_run_goes_on(tmp_path: Path, call: str, error: str) -> None:
    root = tmp_path / "root"
    hostile_tree.plain(root)
    (root / "etc/issue").write_text("old")
    (root / "etc/motd").write_text("old")
    apply = [sys.executable, "-m", "provision", "apply", "-", "--root", str(root)]
    # the first calls of getdents64 are the interpreter's own
    when = "when=1+" if call != "getdents64" else "when=30+"
    strace = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:{when}"]
    done = subprocess.run(
        [*strace, *apply], input=json.dumps(CONFIG), capture_output=True, text=True, check=False, timeout=100
    )
    assert "Traceback" not in done.stderr, done.stderr
    if done.returncode:
        assert done.returncode == 1
        assert WORDS[error] in done.stderr or "not enough memory" in done.stderr
        assert "hint: " in done.stderr
    again = subprocess.run(apply, input=json.dumps(CONFIG), capture_output=True, text=True, check=False, timeout=100)
    assert again.returncode == 0, again.stderr
    assert (root / "srv/a/new").read_text() == "hello"
    assert (root / "etc/motd").read_text() == "oldhello"
    assert "old:$y$x:" in (root / "etc/shadow").read_text()
    assert os.path.samefile(root / "srv/hard", root / "etc/issue")
    assert not list(root.rglob(".provision-[0-9a-f]*"))
