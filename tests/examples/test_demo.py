"""`make demo` makes an image and shows what is on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]


def test_it_shows_the_page_that_the_config_brings(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    for name, package in (("transpile", "transpiler"), ("provision", "provision")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} -m {package} "$@"\n')
        (programs / name).chmod(0o755)
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES.parent)}
    demo = subprocess.run([tmp_path / "examples/demo.sh"], env=environment, capture_output=True, text=True, check=False)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "<title>It works</title>" in demo.stdout
    assert "TYPE=xfs" in demo.stdout
