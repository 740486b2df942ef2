"""Completion, the man page, the pre-commit hook and the GitHub action: they know every option, and work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.transpiler.test_cli import BAD, GOOD
from transpiler.commands.options import OPTIONS

ROOT = Path(__file__).resolve().parents[2]
SHELLS = {"bash": "transpile.bash", "zsh": "_transpile", "fish": "transpile.fish"}
SHOWN = [option.name for option in OPTIONS if option.help]
HOOK = ROOT / "hooks" / "transpile-check"
ENVIRONMENT = {**os.environ, "TRANSPILE_PYTHON": sys.executable}


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_every_option(shell: str) -> None:
    text = (ROOT / "completion" / SHELLS[shell]).read_text()
    for name in SHOWN:
        assert f"-l {name} " in text if shell == "fish" else f"--{name}" in text, name


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_good_shell(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([program, "-n", ROOT / "completion" / SHELLS[shell]], check=True)


def test_bash_completes(tmp_path: Path) -> None:
    (tmp_path / "site.bu").touch()
    (tmp_path / "other.txt").touch()
    script = f"""
        source {ROOT}/completion/transpile.bash
        COMP_WORDS=(transpile si) COMP_CWORD=1; _transpile; echo "${{COMPREPLY[*]}}"
        COMP_WORDS=(transpile --st) COMP_CWORD=1; _transpile; echo "${{COMPREPLY[*]}}"
        COMP_WORDS=(transpile check --format s) COMP_CWORD=3; _transpile; echo "${{COMPREPLY[*]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.split("\n") == ["site.bu", "--strict", "sarif", ""]


def test_man_page() -> None:
    text = (ROOT / "docs" / "man" / "transpile.1").read_text().replace("\\-", "-")
    for name in SHOWN:
        assert f"--{name}" in text, name
    if shutil.which("man"):
        done = subprocess.run(
            ["man", "--warnings", "-l", ROOT / "docs" / "man" / "transpile.1"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""


@pytest.mark.parametrize(("text", "status"), [(GOOD, 0), (BAD, 1)])
def test_the_hook_on_staged_files(tmp_path: Path, text: str, status: int) -> None:
    (tmp_path / "site.bu").write_text(text)
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, *options = hook["entry"].split()
    argv = [ROOT / program, *options, "site.bu"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=False)
    assert done.returncode == status
    assert ("path not absolute" in done.stdout) == bool(status)


def test_the_steps_of_the_action(tmp_path: Path) -> None:
    (tmp_path / "site.bu").write_text(BAD)
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    (step,) = action["runs"]["steps"]
    inputs = {name: one["default"] for name, one in action["inputs"].items()}
    environment = {
        name: str(ROOT) if "action_path" in value else inputs[value.split(".")[1].split(" ")[0]]
        for name, value in step["env"].items()
    }
    done = subprocess.run(
        [step["shell"], "-e", "-c", step["run"]],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**ENVIRONMENT, **environment},
        check=False,
    )
    assert done.returncode == 1
    assert "::error file=site.bu,line=3,col=26::" in done.stdout
