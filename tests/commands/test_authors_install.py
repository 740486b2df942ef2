"""Commands that authors use, without the extra `machine`: no pyudev and no pyparted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(["pyudev", "parted", "_ped"]))  # as if they were not installed
sys.argv[0] = "provision"
from provision.cli import main
main()
"""

CONFIG = json.dumps(
    {
        "ignition": {"version": "3.4.0"},
        "storage": {
            "disks": [{"device": "/dev/vda", "partitions": [{"number": 1, "label": "of-no-machine"}]}],
            "filesystems": [{"device": "/dev/disk/by-partlabel/of-no-machine", "format": "ext4", "path": "/"}],
            "files": [{"path": "/etc/motd", "contents": {"source": "data:,x"}}],
        },
    }
)


def provision(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", WITHOUT, *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(argv, input=CONFIG, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate", "-"),
        ("plan", "-"),
        ("plan", "-", "--image", "new.img", "--size", "1G"),
        ("plan", "-", "--root", "."),
    ],
)
def test_validate_and_plan(arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = provision(*arguments)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_fetch(tmp_path: Path) -> None:
    (tmp_path / "c.ign").write_text(CONFIG)
    done = provision("fetch", "--platform", "file", IGNITION_CONFIG_FILE=str(tmp_path / "c.ign"))
    assert (done.returncode, "files: 1" in done.stdout) == (0, True), done.stderr


@pytest.mark.disks
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")
def test_a_stage_says_what_to_install(tmp_path: Path) -> None:
    config = {"ignition": {"version": "3.4.0"}, "storage": {"filesystems": [{"device": "/dev/none", "format": "ext4"}]}}
    cache = tmp_path / "config"
    cache.write_text(json.dumps(config))
    cache.chmod(0o600)
    done = provision(
        "--stage",
        "disks",
        "--platform",
        "file",
        "--config-cache",
        str(cache),
        "--state-file",
        f"{tmp_path}/state",
        "--log-to-stdout",
    )
    assert done.returncode == 1
    assert "firstboot-provision[machine]" in done.stdout


@pytest.mark.disks
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")
def test_apply_on_images_says_what_is_not_checked(tmp_path: Path) -> None:
    done = provision("apply", "-", "--image", str(tmp_path / "new.img"), "--size", "512M")
    assert done.returncode == 0, done.stderr
    assert "firstboot-provision[machine]" in done.stdout
