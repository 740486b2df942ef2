"""Power cuts after each action on files: the next run leaves the same tree as an undisturbed one."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fetch.server import Answer, serve
from tests.real.disks.interruption.power_cuts import NEVER, Ended, boot
from tests.target_root import new_root

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root: files get owners")]

REMOTE = b"from afar\n" * 9000
USERS = {
    "passwd": {
        "groups": [{"name": "deploy", "gid": 2000}],
        "users": [
            {"name": "core", "uid": 1000, "sshAuthorizedKeys": ["ssh-ed25519 AAAA"], "passwordHash": "$y$j9T$x"},
            {"name": "app", "uid": 1001, "groups": ["deploy"], "noCreateHome": True},
        ],
    },
    "storage": {"files": [{"path": "/home/core/notes", "user": {"name": "core"}, "contents": {"source": "data:,hi"}}]},
}
NODES = {
    "storage": {
        "directories": [{"path": "/srv/a/b/c", "mode": 448}, {"path": "/etc/old.d", "overwrite": True}],
        "files": [
            *({"path": f"/srv/a/f{number}", "contents": {"source": f"data:,{number}"}} for number in range(5)),
            {"path": "/etc/list", "append": [{"source": "data:,two%0A"}, {"source": "data:,three%0A"}]},
            {"path": "/etc/replaced", "overwrite": True, "mode": 256, "contents": {"source": "data:,new"}},
        ],
        "links": [{"path": "/srv/link", "target": "a/f1"}, {"path": "/srv/hard", "target": "/srv/a/f2", "hard": True}],
    }
}
UNITS = {
    "systemd": {
        "units": [
            {"name": "a.service", "enabled": True, "contents": "[Install]\nWantedBy=x.target\n"},
            {"name": "b.service", "mask": True},
            {"name": "c.service", "enabled": True, "dropins": [{"name": "1.conf", "contents": "[Unit]\n"}]},
        ]
    }
}


def root(folder: Path) -> Path:
    files = {
        "etc/old.d/x": "old",
        "etc/systemd/system-preset/20-ignition.preset": "enable z.service\n",
        "etc/login.defs": "USERGROUPS_ENAB yes\nUID_MIN 1000\nGID_MIN 1000\n",
        "etc/list": "one\n",
        "etc/replaced": "old",
    }
    return new_root(folder / "root", files)


def run(folder: Path, config: dict[str, Any], left: int = NEVER) -> Ended:
    """Run the files stage, and kill it after a number of actions."""
    return boot(folder, {"ignition": {"version": "3.4.0"}, **config}, ("files",), left)


def apply(folder: Path, config: dict[str, Any], *, kill_after: int = -1) -> int:
    """Run `provision apply --root`, and kill it after a number of steps. Returns how many steps it began."""
    (folder / "config.ign").write_text(json.dumps({"ignition": {"version": "3.4.0"}, **config}))
    argv = [sys.executable, "-m", "provision", "apply", str(folder / "config.ign"), "--root", str(folder / "root")]
    seen = 0
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            seen += line.startswith("[")
            if seen == kill_after:
                os.killpg(process.pid, signal.SIGKILL)
                break
    assert process.returncode == 0 or kill_after > 0
    return seen


LOCK = re.compile(r"(passwd|group|shadow|gshadow|subuid|subgid)\.([0-9]+|lock)")
"""A lock of shadow's tools, which the next one finds stale by the process id in it."""


def picture(tree: Path) -> dict[str, tuple[object, ...]]:
    """Everything about a tree except times and what differs in each run."""
    told: dict[str, tuple[object, ...]] = {}
    for path in sorted(tree.rglob("*")):
        status = path.lstat()
        content: object = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        kept = path.name not in {".ignition-result.json", ".provision-journal", ".pwd.lock", "shadow"}
        content = content if kept else ""
        if path.name.endswith("-") or LOCK.fullmatch(path.name):
            continue  # backup copies of the shadow tools, and files that they leave when they are killed
        told[str(path.relative_to(tree))] = (status.st_mode, status.st_uid, status.st_gid, status.st_nlink, content)
    return told


@contextmanager
def remote() -> Iterator[dict[str, Any]]:
    """A config with files from a server: verified, compressed, appended."""
    packed, digest = gzip.compress(REMOTE), hashlib.sha512(REMOTE).hexdigest()
    with serve({"/plain": Answer(REMOTE), "/packed": Answer(packed)}) as served:
        plain, more = {"source": f"{served.url}/plain"}, {"source": f"{served.url}/packed", "compression": "gzip"}
        verified = {"verification": {"hash": f"sha512-{digest}"}}
        inline = {"source": "data:,hi", "verification": {"hash": f"sha256-{hashlib.sha256(b'hi').hexdigest()}"}}
        files = [
            {"path": "/srv/plain", "contents": plain},
            {"path": "/srv/verified", "mode": 256, "contents": plain | verified},
            {"path": "/srv/packed", "contents": more | verified},
            {"path": "/etc/list", "append": [plain | verified, more]},
            {"path": "/srv/inline", "contents": inline},
        ]
        yield {"storage": {"files": files}}


@pytest.mark.parametrize("config", [USERS, NODES, UNITS], ids=["users", "nodes", "units"])
def test_every_interruption_ends_in_the_same_tree(config: dict[str, Any], tmp_path: Path) -> None:
    _ends_in_the_same_tree(config, tmp_path)


def test_remote_files_are_fetched_again(tmp_path: Path) -> None:
    with remote() as config:
        _ends_in_the_same_tree(config, tmp_path)


def _ends_in_the_same_tree(config: dict[str, Any], tmp_path: Path) -> None:
    expected_root = root(tmp_path / "whole")
    ended = run(tmp_path / "whole", config)
    assert ended.failure == ""
    expected = picture(expected_root)
    for left in range(1, len(ended.done) + 1):
        tree = root(tmp_path / f"killed-{left}")
        assert run(tree.parent, config, left).killed
        assert run(tree.parent, config).failure == ""
        assert picture(tree) == expected, f"killed after {left} of {len(ended.done)} actions"


@pytest.mark.parametrize("config", [USERS, NODES], ids=["users", "nodes"])
def test_apply_continues_an_interrupted_run(config: dict[str, Any], tmp_path: Path) -> None:
    expected_root = root(tmp_path / "whole")
    steps = apply(tmp_path / "whole", config)
    expected = picture(expected_root)
    for count in range(1, steps + 1):
        tree = root(tmp_path / f"killed-{count}")
        apply(tree.parent, config, kill_after=count)
        apply(tree.parent, config)
        assert picture(tree) == expected, f"killed at {count} of {steps} steps"


def test_a_second_run_of_a_finished_stage_writes_nothing(tmp_path: Path) -> None:
    tree = root(tmp_path)
    run(tmp_path, NODES)
    before = {path: path.lstat().st_ctime_ns for path in tree.rglob("*")}
    assert run(tmp_path, NODES).done == []
    assert {path: path.lstat().st_ctime_ns for path in tree.rglob("*")} == before


def test_a_second_apply_writes_nothing(tmp_path: Path) -> None:
    tree = root(tmp_path)
    apply(tmp_path, NODES)
    before = {path: path.lstat().st_ctime_ns for path in tree.rglob("*")}
    assert apply(tmp_path, NODES) == 0
    assert {path: path.lstat().st_ctime_ns for path in tree.rglob("*")} == before
    apply(tmp_path, {"storage": {"files": [{"path": "/etc/list", "append": [{"source": "data:,four"}]}]}})
    assert (tree / "etc/list").read_text() == "one\ntwo\nthree\nfour"
