"""`provision fetch`: a summary of this machine's config, without secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = {
    "ignition": {"version": "3.4.0"},
    "passwd": {"users": [{"name": "core", "passwordHash": "$y$canary"}]},
    "storage": {"files": [{"path": "/a", "contents": {"source": "https://u:canary@example.com/a?token=canary"}}]},
}


def fetch(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "cmdline").touch()
    places = {f"IGNITION_SYSTEM_{kind}CONFIG_DIR": str(folder / "none") for kind in ("", "LOCAL_", "RUNTIME_")}
    places |= {"IGNITION_CONFIG_FILE": str(folder / "a.ign"), "IGNITION_KERNEL_CMDLINE_PATH": str(folder / "cmdline")}
    argv = [sys.executable, "-m", "provision", "fetch", *arguments]
    return subprocess.run(argv, env={**os.environ, **places}, capture_output=True, text=True, check=False)


def test_the_summary_hides_secrets(tmp_path: Path) -> None:
    (tmp_path / "a.ign").write_text(json.dumps(CONFIG))
    done = fetch(tmp_path, "--platform", "file")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "config from file",
        "needs the network for its contents: yes",
        "  files: 1",
        "  users: 1",
    ]
    assert "canary" not in done.stdout + done.stderr


def test_an_option_prints_the_config_itself(tmp_path: Path) -> None:
    (tmp_path / "a.ign").write_text(json.dumps(CONFIG))
    done = fetch(tmp_path, "--platform", "file", "--json", "--quiet")
    shown = json.loads(done.stdout)
    assert (shown["passwd"], shown["storage"], done.stderr) == (CONFIG["passwd"], CONFIG["storage"], "")
    assert {path.name for path in tmp_path.iterdir()} == {"a.ign", "cmdline"}, "nothing is written"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "--platform"),
        (("--platform", "nonesuch"), 2, "one of akamai"),
        (("--platform", "hetzner", "--offline"), 1, "hint: leave --offline out"),
        (("--platform", "file"), 1, "no such file"),
        (("--platform", "file", "--timeout", "soon"), 2, "is not a number of seconds"),
        (("--platform", "file", "--timeout", "-1"), 2, "is not a number of seconds"),
        (("--platform", "file", "--timeout", "nan"), 2, "is not a number of seconds"),
        (("--platform", "nutanix", "--timeout", "0.3"), 1, "did not appear in time"),
        (("--platform", "azurestack", "--timeout", "0.3"), 1, "did not appear in time"),
    ],
)
def test_errors_are_explained(arguments: tuple[str, ...], code: int, message: str, tmp_path: Path) -> None:
    done = fetch(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_config_is_no_config(tmp_path: Path) -> None:
    (tmp_path / "a.ign").write_text("")
    done = fetch(tmp_path, "--platform", "file")
    assert (done.returncode, "there is no config" in done.stderr) == (1, True)
