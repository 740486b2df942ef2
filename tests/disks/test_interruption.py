"""kill -9 at every action of the files stage: the next run ends in the very tree that an undisturbed one makes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root: files get owners")]

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
    etc = folder / "root/etc"
    (etc / "old.d").mkdir(parents=True)
    (etc / "old.d/x").write_text("old")
    (etc / "systemd/system-preset").mkdir(parents=True)
    (etc / "systemd/system-preset/20-ignition.preset").write_text("enable z.service\n")
    for name, text in {
        "passwd": "root:x:0:0::/root:/bin/sh\n",
        "group": "root:x:0:\n",
        "shadow": "root:*:::::::\n",
        "gshadow": "root:*::\n",
        "login.defs": "USERGROUPS_ENAB yes\nUID_MIN 1000\nGID_MIN 1000\n",
        "list": "one\n",
        "replaced": "old",
    }.items():
        (etc / name).write_text(text)
    return folder / "root"


def stage(folder: Path, name: str) -> list[str]:
    files = {"config-cache": "cache", "state-file": "state", "neednet": "neednet", "root": "root"}
    options = [f"--{option}={folder / file}" for option, file in files.items()]
    return [sys.executable, "-m", "provision", f"--stage={name}", "--platform=file", "--log-to-stdout", *options]


def run(folder: Path, config: object, kill_after: int = -1) -> int:
    """Run the files stage; tells how many actions it reported. It is killed when that many have been."""
    (folder / "config.ign").write_text(json.dumps({"ignition": {"version": "3.4.0"}, **config}))  # type: ignore[dict-item]  # any config
    environment = {**os.environ, "IGNITION_CONFIG_FILE": str(folder / "config.ign")}
    if not (folder / "cache").exists():
        subprocess.run(stage(folder, "fetch"), env=environment, check=True, stdout=subprocess.DEVNULL)
    seen = 0
    with subprocess.Popen(stage(folder, "files"), env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            assert "CRITICAL" not in line, line
            if line.startswith("INFO     : files: ") and "passed" not in line:
                seen += 1
            if seen == kill_after:
                process.send_signal(signal.SIGKILL)
                break
    return seen


def picture(tree: Path) -> dict[str, tuple[object, ...]]:
    """Everything about a tree but times, and what tells one run from another."""
    told: dict[str, tuple[object, ...]] = {}
    for path in sorted(tree.rglob("*")):
        status = path.lstat()
        content: object = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        kept = path.name not in {".ignition-result.json", ".provision-journal", ".pwd.lock", "shadow"}
        content = content if kept else ""
        if path.name.endswith("-"):
            continue  # the copies that shadow's tools make of the last state
        told[str(path.relative_to(tree))] = (status.st_mode, status.st_uid, status.st_gid, status.st_nlink, content)
    return told


@pytest.mark.parametrize("config", [USERS, NODES, UNITS], ids=["users", "nodes", "units"])
def test_every_interruption_ends_in_the_same_tree(config: object, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    expected_root = root(whole)
    actions = run(whole, config)
    assert actions >= 4
    expected = picture(expected_root)
    for count in range(1, actions + 1):
        folder = tmp_path / f"killed-{count}"
        tree = root(folder)
        run(folder, config, kill_after=count)
        run(folder, config)
        assert picture(tree) == expected, f"killed after {count} of {actions} actions"


def test_a_second_run_of_a_finished_stage_writes_nothing(tmp_path: Path) -> None:
    tree = root(tmp_path)
    run(tmp_path, NODES)
    before = {path: path.lstat().st_ctime_ns for path in tree.rglob("*")}
    assert run(tmp_path, NODES) == 0
    assert {path: path.lstat().st_ctime_ns for path in tree.rglob("*")} == before
