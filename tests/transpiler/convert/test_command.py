"""`transpile convert`, started as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def convert(config: object, *options: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "transpiler", "convert", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        argv, input=json.dumps(config), capture_output=True, text=True, env=environment, check=False, cwd=ROOT
    )


def test_an_old_config_becomes_one_of_the_newest_version() -> None:
    file = {"filesystem": "root", "path": "/etc/a", "mode": 420, "contents": {"source": "data:,a"}}
    done = convert({"ignition": {"version": "2.2.0"}, "storage": {"files": [file]}})
    assert (done.returncode, done.stderr) == (0, "")
    contents = {"source": "data:,a"}
    assert json.loads(done.stdout) == {
        "ignition": {"version": "3.6.0"},
        "storage": {"files": [{"path": "/etc/a", "overwrite": True, "mode": 420, "contents": contents}]},
    }


def test_what_would_be_lost_is_named_with_its_place_and_nothing_is_written() -> None:
    config = {"ignition": {"version": "3.4.0"}, "kernelArguments": {"shouldExist": ["quiet"]}}
    done = convert(config, "--to", "3.2")
    assert (done.returncode, done.stdout) == (1, "")
    assert "<stdin>:1:" in done.stderr
    assert "error: kernelArguments: kernelArguments is not in version 3.2.0 (hint: it needs 3.3.0)" in done.stderr


def test_the_rest_is_written_if_a_loss_is_allowed() -> None:
    config = {"ignition": {"version": "3.4.0"}, "kernelArguments": {"shouldExist": ["quiet"]}}
    done = convert(config, "--to", "3.2.0", "--allow-loss")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"ignition": {"version": "3.2.0"}})
    assert "warning: kernelArguments" in done.stderr


def test_the_lowest_version_that_suffices_is_found() -> None:
    config = {"ignition": {"version": "3.6.0"}, "kernelArguments": {"shouldExist": ["quiet"]}}
    assert json.loads(convert(config, "--lowest").stdout)["ignition"]["version"] == "3.3.0"


def test_a_file_system_of_an_old_config_needs_a_mount_point() -> None:
    mount = {"device": "/dev/sdb", "format": "ext4", "wipeFilesystem": True}
    file = {"filesystem": "data", "path": "/a", "mode": 420}
    storage = {"filesystems": [{"name": "data", "mount": mount}], "files": [file]}
    config = {"ignition": {"version": "2.4.0"}, "storage": storage}
    refused = convert(config)
    assert refused.returncode == 1
    assert "say where it is mounted: --mount data=/path" in refused.stderr
    done = convert(config, "--mount", "data=/var/data", "--pretty")
    made = json.loads(done.stdout)["storage"]
    assert (made["filesystems"][0]["path"], made["files"][0]["path"]) == ("/var/data", "/var/data/a")
    assert done.stdout.startswith('{\n  "ignition"')


def test_an_invalid_config_is_not_converted() -> None:
    done = convert({"ignition": {"version": "2.4.0"}, "storage": {"files": [{"path": "a", "filesystem": "root"}]}})
    assert (done.returncode, done.stdout) == (1, "")
    assert "path not absolute" in done.stderr


def test_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "site.bu").write_text("variant: fcos\nversion: 1.5.0\n")
    done = convert(None, str(tmp_path / "site.bu"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "this is not JSON; convert what transpile makes of it" in done.stderr


def test_a_wrong_command_line_is_refused() -> None:
    for options in (["--to", "2.5"], ["--mount", "data"], ["--to", "3.1", "--lowest"]):
        assert convert({}, *options).returncode == 2
