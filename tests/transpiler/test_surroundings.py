"""Completion, the man page, the pre-commit hook and the GitHub action have every option and work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.transpiler.test_cli import BAD, GOOD
from transpiler.commands import check_many, diff, explain, fmt, lsp, pack
from transpiler.commands.options import OPTIONS
from transpiler.commands.settings import KINDS
from transpiler.convert import command as convert

pytestmark = pytest.mark.slow  # each test starts programs

ROOT = Path(__file__).resolve().parents[2]
SHELLS = {"bash": "transpile.bash", "zsh": "_transpile", "fish": "transpile.fish"}
SHOWN = [option.name for option in OPTIONS if option.help]
COMMANDS = (check_many, diff, explain, fmt, lsp, pack, convert)
OF_COMMANDS = sorted(
    flag.removeprefix("--")
    for command in COMMANDS
    for one in command.command_line()._actions
    for flag in one.option_strings
    if flag.startswith("--") and flag != "--help"
)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_every_option(shell: str) -> None:
    text = (ROOT / "completion" / SHELLS[shell]).read_text()
    for name in {*SHOWN, *OF_COMMANDS}:
        assert f"-l {name} " in text if shell == "fish" else f"--{name}" in text, name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: ModuleType) -> None:
    assert command.command_line().format_help().startswith("usage: transpile ")


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
    for name in {*SHOWN, *OF_COMMANDS, *KINDS}:
        assert f"--{name}" in text or f".B {name}\n" in text, name
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
    """The hook is started as by pre-commit, in an environment with this checkout installed."""
    (tmp_path / "site.bu").write_text(text)
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["language"] == "python"
    argv = [sys.executable, "-m", *hook["entry"].replace("transpile", "transpiler", 1).split(), "site.bu"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=False)
    assert done.returncode == status
    assert ("path not absolute" in done.stdout) == bool(status)


def test_the_hook_on_parts_and_other_files(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    texts = {
        "site.bu": "variant: fcos\nversion: 1.5.0\nstorage: {files: !include files.yaml}\n",
        "files.yaml": "- path: a\n",
        "compose.yml": "services: {}\n",
        "list.yaml": "- 1\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    argv = [sys.executable, "-m", *hook["entry"].replace("transpile", "transpiler", 1).split()]

    def run(*names: str) -> tuple[int, str]:
        names = tuple(name for name in names if re.search(hook["files"], name))
        done = subprocess.run(
            [*argv, *names], capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=False
        )
        return done.returncode, done.stdout + done.stderr

    assert run("compose.yml", "list.yaml") == (0, "")
    status, shown = run("files.yaml", "compose.yml")
    assert (status, shown.split(" error")[0]) == (1, "files.yaml:1:9:")
    assert shown.count("error") == 1


@pytest.fixture
def action(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the step of the action as a runner does, on a machine with PyYAML but without working venv."""
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\ncase "$*" in *"-m venv"*) exit 1 ;; esac\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / "work").mkdir()
    (tmp_path / "scratch").mkdir()
    declared = yaml.safe_load((ROOT / "action.yml").read_text())
    (step,) = declared["runs"]["steps"]
    plain = {"PATH": f"{python.parent}:{os.environ['PATH']}", "RUNNER_TEMP": str(tmp_path / "scratch")}
    plain["GITHUB_ACTION_PATH"] = str(ROOT)

    def run(**inputs: str) -> subprocess.CompletedProcess[str]:
        given = {name: one["default"] for name, one in declared["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        values = {name: given[re.sub(r"\$\{\{ inputs\.|}}| ", "", value)] for name, value in step["env"].items()}
        argv = [step["shell"], "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        folder = tmp_path / "work"
        done = subprocess.run(argv, capture_output=True, text=True, cwd=folder, env={**plain, **values}, check=False)
        assert list((tmp_path / "scratch").iterdir()) == []
        return done

    return run


Action = Callable[..., subprocess.CompletedProcess[str]]


def test_the_action_annotates(action: Action, tmp_path: Path) -> None:
    (tmp_path / "work" / "site.bu").write_text(BAD)
    done = action()
    assert done.returncode == 1
    assert "::error file=site.bu,line=3,col=26::" in done.stdout


@pytest.mark.parametrize(("strict", "status"), [("True", 1), ("", 0), ("x", 2)])
def test_the_action_knows_all_spellings_of_true(strict: str, status: int, action: Action, tmp_path: Path) -> None:
    (tmp_path / "work" / "site.bu").write_text(GOOD + "foo: 1\n")
    assert action(strict=strict).returncode == status


def test_the_target_of_the_action(action: Action, tmp_path: Path) -> None:
    (tmp_path / "work" / "site.bu").write_text("variant: flatcar\nversion: 1.1.0\n")
    assert action().stdout == ""
    assert "is not made for Fedora CoreOS 42" in action(target="fcos-42").stdout


def test_the_paths_of_the_action(action: Action, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    (folder / "a b").mkdir()
    for name in ("a b/x.bu", "c.bu", "-d.bu", "bad.bu"):
        (folder / name).write_text(BAD if name == "bad.bu" else GOOD)
    assert action(paths="a b\n\n./c.bu\n").stderr == "2 configs are valid\n"
    assert action(paths="*.bu a*", exclude="bad.bu **/x.bu").stderr == "2 configs are valid\n"
    assert action(paths="-d.bu").stderr == "1 config is valid\n"


WINDOWS_PYTHON = f"""\
#!/bin/bash
# Understands only paths with a drive, and makes environments as Python does on Windows.
for argument; do [[ $argument != /* ]] || exit 9; done
set -- "${{@//W:/}}"
case $* in
    *"-m venv"*) mkdir -p "${{@: -1}}/Scripts" && cp "$0" "${{@: -1}}/Scripts/python.exe" && exit ;;
    *"-m pip"*) exit 0 ;;
    *"import yaml"*) exit 1 ;;
esac
[[ ${{PYTHONPATH-W:}} == W:* && $PYTHONUTF8 == 1 ]] || exit 9
PYTHONPATH=${{PYTHONPATH-}}
PYTHONPATH=${{PYTHONPATH#W:}} exec "{sys.executable}" "$@"
"""


def test_the_paths_of_windows(action: Action, tmp_path: Path) -> None:
    """Python of Windows gets no path in the form of bash; its environments have their programs in Scripts."""
    (tmp_path / "bin" / "python3").write_text(WINDOWS_PYTHON)
    (tmp_path / "bin" / "cygpath").write_text('#!/bin/sh\n[ "$1" = -w ] && echo "W:$2"\n')
    (tmp_path / "bin" / "cygpath").chmod(0o755)
    (tmp_path / "work" / "site.bu").write_text(GOOD)
    done = action(paths="site.bu")
    assert (done.returncode, done.stderr) == (0, "1 config is valid\n")


def test_nothing_of_the_checked_repository_runs(action: Action, tmp_path: Path) -> None:
    for name in ("yaml.py", "transpiler.py", "sitecustomize.py"):
        (tmp_path / "work" / name).write_text("raise SystemExit('taken over')\n")
    (tmp_path / "work" / "site.bu").write_text(GOOD)
    assert action().stderr == "1 config is valid\n"


def test_the_action_pins_what_it_installs() -> None:
    lines = (ROOT / "hooks" / "requirements.txt").read_text().splitlines()
    pinned = [line for line in lines if "==" in line]
    assert pinned == ["pyyaml==6.0.3 \\"]
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines[2:])
    assert "uses:" not in (ROOT / "action.yml").read_text()
