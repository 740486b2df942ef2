"""The examples are configs that work: no warnings, and what they ask for is on the disks afterwards."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.target_root import new_root

EXAMPLES = Path(__file__).parents[2] / "examples"
CONFIGS = sorted(path.name for path in EXAMPLES.glob("*.yaml"))
BIN = Path(sys.executable).parent


def run(program: str, *arguments: str | Path, cwd: Path = EXAMPLES) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / program, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def command(name: str) -> list[str]:
    """How the head of an example says to apply it."""
    head = (EXAMPLES / name).read_text().partition("variant:")[0]
    text = re.sub(r"\\\n#\s+", "", head)
    found = re.search(r"provision (apply .*)", text)
    assert found, f"{name} does not say how to apply it"
    return shlex.split(found[1])


def test_there_are_examples() -> None:
    assert len(CONFIGS) >= 4


@pytest.mark.parametrize("name", CONFIGS)
def test_transpiles_without_a_warning(name: str) -> None:
    done = run("transpile", "--strict", "--files-dir", EXAMPLES, EXAMPLES / name)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["ignition"]["version"]


@pytest.mark.disks
@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
@pytest.mark.xdist_group("disks")
@pytest.mark.parametrize("name", CONFIGS)
def test_applies_as_its_head_says(name: str, tmp_path: Path) -> None:
    """`apply` itself compares every step with what the kernel says afterwards."""
    (tmp_path / "examples").symlink_to(EXAMPLES)
    new_root(tmp_path / "flatcar-root")
    done = run("provision", *command(name), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--root" not in command(name) or (tmp_path / "flatcar-root/etc/.ignition-result.json").exists()
    for image in tmp_path.glob("*.img"):
        with image.open("rb") as file:
            assert file.read(520)[512:] == b"EFI PART"
