"""The commands of `provision` that README and the guides show are run; those of NOT_RUN have tests of their own.

The tutorial is followed by test_commands.py.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.commands.test_metadata import on_platform
from tests.docs.test_commands import CONFIG, PAGES, TUTORIAL, commands
from tests.target_root import new_root

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

NOT_RUN: Mapping[str, str] = {
    "provision try site.yaml": "boots a machine, which takes a minute; tests/commands/trial and the boot matrix do it",
    "provision try site.bu": "the same",
    "provision try site.bu --ssh": "the same",
    "provision try site.bu --check": "the same",
}
"""A command -> why it is not run here."""

ONE_DISK = """\
variant: fcos
version: 1.5.0
storage:
  disks:
    - {device: /dev/vda, wipe_table: true, partitions: [{label: system, number: 1}]}
  filesystems:
    - {device: /dev/disk/by-partlabel/system, path: /, format: ext4, wipe_filesystem: true}
  files:
    - {path: /etc/motd, mode: 0644, contents: {inline: hello}}
"""

TWO_DISKS = ONE_DISK.replace(
    "  filesystems:\n",
    "    - {device: /dev/disk/by-id/nvme-data, wipe_table: true, partitions: [{label: data, number: 1}]}\n"
    "  filesystems:\n    - {device: /dev/disk/by-partlabel/data, path: /srv, format: ext4}\n",
)

SHOWN = {page: {shlex.join(one) for one in commands(page) if one[0] == "provision"} for page in PAGES}
RUN = sorted({one for page, found in SHOWN.items() if page != TUTORIAL for one in found} - NOT_RUN.keys())


def provision(folder: Path, *arguments: str) -> None:
    """Run `provision` in a folder; fails the test if it fails."""
    command = [sys.executable, "-m", "provision", *arguments]
    path = os.pathsep.join((str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")))
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}{done.stderr}"


def prepare(folder: Path, words: list[str]) -> None:
    """Make the files that a command names: configs, an image that fits to them, a bundle."""
    (folder / "examples").symlink_to(Path(__file__).parents[2] / "examples")
    text = TWO_DISKS if words.count("--disk") == 2 else ONE_DISK if words[1] != "replay" else CONFIG
    for name in ("site.bu", "site.yaml"):
        (folder / name).write_text(text)
    done = subprocess.run([sys.executable, "-m", "transpiler"], input=text.encode(), capture_output=True, check=True)
    (folder / "site.ign").write_bytes(done.stdout)
    if words[1] == "plan":
        for image in {word.rpartition("=")[2] for word in words if word.endswith(".img")}:
            provision(folder, "apply", "site.ign", "--image", image, "--size", "64M")
    if words[1] == "replay":
        root = new_root(folder / "root", {"etc/hostname": "old\n"})
        provision(folder, "capture", "site.bu", "--root", str(root), "--output", "bundle")


@pytest.mark.parametrize("command", RUN)
def test_the_command_succeeds(command: str, tmp_path: Path) -> None:
    words = shlex.split(command)
    if words[1] == "metadata":
        _, shown = on_platform("hetzner", tmp_path, *words, cmdline="ignition.platform.id=hetzner")
        assert "6.6.6.6" in shown
        return
    prepare(tmp_path, words)
    provision(tmp_path, *words[1:])


def test_all_commands_are_run_or_have_a_reason() -> None:
    assert len(RUN) > 12
    assert NOT_RUN.keys() <= {command for found in SHOWN.values() for command in found}
