"""`transpile lsp` without its library, without an editor, and with an editor that goes away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from transpiler.commands.lsp import MISSING

ROOT = Path(__file__).parents[3]


def test_without_pygls(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ImportError\n")
    argv = [sys.executable, "-m", "transpiler", "lsp"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(argv, cwd=ROOT, env=environment, input="", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{MISSING}\n")


@pytest.mark.slow
def test_without_an_editor() -> None:
    pytest.importorskip("pygls", reason="pygls is not installed")
    argv = [sys.executable, "-m", "transpiler", "lsp"]
    done = subprocess.run(argv, cwd=ROOT, input="", capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        "exec {} <&-",
        "echo 'Content-Length: 9' | exec {} >/dev/full",
        r"printf 'Content-Length: 2\r\n\r\n[]Content-Length: 99999999999999\r\n\r\n{{}}' | exec {}",
    ],
)
def test_a_broken_connection_is_no_bug(script: str) -> None:
    pytest.importorskip("pygls", reason="pygls is not installed")
    argv = ["bash", "-c", script.format(f"'{sys.executable}' -m transpiler lsp")]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in {0, 1}
    assert "Traceback" not in done.stderr
