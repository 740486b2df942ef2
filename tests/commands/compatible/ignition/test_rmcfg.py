"""`ignition-rmcfg`: delete the config from the platform, as Ignition's program of this name does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    code = "import sys; from provision.cli import run; sys.exit(run(['ignition-rmcfg', *sys.argv[1:]]))"
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}
    argv = [sys.executable, "-c", code, *arguments]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments", [(), ("--platform", "vmware", "more"), ("--nonsense",), ("--platform", "nowhere")]
)
def test_a_wrong_command_line_is_an_exit_of_two(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: ignition-rmcfg" in done.stderr


def test_platforms_without_deletion_fail() -> None:
    done = run("--platform", "aws", "--log-to-stdout")
    assert done.returncode == 1
    assert "aws: cannot delete config on this platform" in done.stderr


def test_vmware_overwrites_the_config(tmp_path: Path) -> None:
    tool, log = tmp_path / "vmware-rpctool", tmp_path / "log"
    tool.write_text(f'#!/bin/sh\ncase "$1" in info-get*) exit 1;; esac\necho "$1" >>{log}\n')
    tool.chmod(0o755)
    done = run("--platform", "vmware", "--log-to-stdout", path=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "INFO     : deleted the config from vmware\n"), done.stderr
    assert log.read_text().splitlines() == [
        "info-set guestinfo.ignition.config.data e30K",
        "info-set guestinfo.ignition.config.data.encoding base64",
    ]


def test_a_tool_that_fails_is_a_failure(tmp_path: Path) -> None:
    tool = tmp_path / "vmware-rpctool"
    tool.write_text("#!/bin/sh\nexit 1\n")
    tool.chmod(0o755)
    done = run("--platform", "vmware", path=str(tmp_path))
    assert (done.returncode, "could not be overwritten" in done.stderr) == (1, True)


def test_version() -> None:
    assert run("--version").stdout.startswith("Ignition 2.")
