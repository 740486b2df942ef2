"""`ignition-apply` in a container build: it writes files and units, and names the parts that it cannot apply."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

CONFIG: dict[str, Any] = {
    "ignition": {"version": "3.4.0"},
    "storage": {"files": [{"path": "/etc/motd", "mode": 256, "contents": {"source": "data:,hello"}}]},
    "systemd": {"units": [{"name": "a.service", "enabled": True, "contents": "[Install]\nWantedBy=a.target\n"}]},
}


def run(config: object, *arguments: str, container: str = "podman") -> subprocess.CompletedProcess[str]:
    code = "import sys; from provision.cli import run; sys.exit(run(['ignition-apply', *sys.argv[1:]]))"
    environment = {**os.environ, "container": container}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=json.dumps(config), env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="files belong to root")
def test_files_and_units_are_written_and_nothing_else(tmp_path: Path) -> None:
    done = run(CONFIG, "--root", str(tmp_path), "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "etc/motd").read_text() == "hello"
    assert (tmp_path / "etc/motd").stat().st_mode & 0o7777 == 0o400
    assert (tmp_path / "etc/systemd/system-preset/20-ignition.preset").read_text() == "enable a.service\n"
    assert not (tmp_path / "etc/.ignition-result.json").exists()


def test_what_cannot_be_applied_live_is_named(tmp_path: Path) -> None:
    config = {**CONFIG, "passwd": {"users": [{"name": "core"}]}}
    done = run(config, "--root", str(tmp_path), "-")
    assert done.returncode == 1
    assert "cannot apply passwd live" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="files belong to root")
def test_what_cannot_be_applied_live_may_be_left_out(tmp_path: Path) -> None:
    disks = {"disks": [{"device": "/dev/vda"}], "filesystems": [{"device": "/dev/vda1", "format": "ext4"}]}
    config = {
        **CONFIG,
        "kernelArguments": {"shouldExist": ["quiet"]},
        "storage": {**CONFIG["storage"], **disks},
        "passwd": {"users": [{"name": "core"}]},
    }
    done = run(config, "--root", str(tmp_path), "-")
    assert "cannot apply kernel arguments, disks, passwd live" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert run(config, "--root", str(tmp_path), "--ignore-unsupported", "-").returncode == 0
    assert (tmp_path / "etc/motd").read_text() == "hello"
    assert not (tmp_path / "etc/passwd").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="files belong to root")
def test_configs_that_it_names_are_merged(tmp_path: Path) -> None:
    child = {"ignition": {"version": "3.0.0"}, "storage": {"files": [{"path": "/etc/motd", "mode": 384}]}}
    source = "data:," + quote(json.dumps(child))
    config = {**CONFIG, "ignition": {"version": "3.4.0", "config": {"merge": [{"source": source}]}}}
    assert run(config, "--root", str(tmp_path), "-").returncode == 0
    assert (tmp_path / "etc/motd").stat().st_mode & 0o7777 == 0o600


def test_offline_refuses_what_needs_the_network(tmp_path: Path) -> None:
    config = {**CONFIG, "storage": {"files": [{"path": "/f", "contents": {"source": "http://example.com/f"}}]}}
    done = run(config, "--root", str(tmp_path), "--offline", "-")
    assert (done.returncode, "requires networking" in done.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [(), ("--nonsense", "-"), ("a", "b")])
def test_a_wrong_command_line_is_an_exit_of_one(arguments: tuple[str, ...]) -> None:
    assert run(CONFIG, *arguments).returncode == 1


def test_apply_refuses_a_host(tmp_path: Path) -> None:
    if any(Path(mark).exists() for mark in ("/run/.containerenv", "/.dockerenv")):
        pytest.skip("this is a container")
    done = run(CONFIG, "--root", str(tmp_path), "-", container="")
    assert "not designed to run on a host system" in done.stderr
