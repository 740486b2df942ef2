"""Settings of a repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.transpiler.test_cli import GOOD, ROOT, run
from transpiler.commands.settings import SettingsError, release_given

pytestmark = pytest.mark.slow  # each test starts programs

WARNS = GOOD + "foo: 1\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep" / "files").mkdir(parents=True)
    (tmp_path / "deep" / "site.bu").write_text(WARNS)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "head"), [(".transpile.toml", ""), ("pyproject.toml", "[tool.other]\nx=1\n[tool.transpile]\n")]
)
def test_settings_hold_below_their_file(name: str, head: str, repository: Path) -> None:
    deep = repository / "deep"
    (repository / name).write_text(f"{head}strict = true\n")
    assert run("site.bu", cwd=deep).returncode == 1
    assert run("check", ".", cwd=deep).returncode == 1
    assert run("--raw-errors", "site.bu", cwd=deep).returncode == 0
    assert run("site.bu", cwd=deep, name="butane").returncode == 0
    (repository / name).write_text(f'{head}strict = true\nignore = ["unused-key"]\n')
    assert run("site.bu", cwd=deep).stderr == ""
    assert run("check", ".", cwd=deep).stderr == "1 config is valid\n"
    (repository / name).write_text(f'{head}exclude = ["deep"]\n')
    assert run("check", ".", cwd=repository).stderr == "every config is left out\n"


def test_settings_above_the_repository_are_ignored(repository: Path) -> None:
    inner = repository / "deep"
    (repository / ".transpile.toml").write_text("strict = true\n")
    (inner / ".git").mkdir()
    assert run("site.bu", cwd=inner).returncode == 0


def test_the_files_directory_is_beside_the_settings(repository: Path) -> None:
    (repository / ".transpile.toml").write_text('files-dir = "deep/files"\n')
    (repository / "deep" / "files" / "motd").write_text("hi")
    text = GOOD + "storage: {files: [{path: /a, contents: {local: motd}}]}\n"
    assert "data:,hi" in run(text=text, cwd=repository / "deep").stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stirct = true\n", ".transpile.toml: unknown setting stirct (did you mean strict?)"),
        ("strict = 1\n", ".transpile.toml: strict is not true or false"),
        ('exclude = "a"\n', ".transpile.toml: exclude is not a list of texts"),
        ('files-dir = "../x"\n', ".transpile.toml: files-dir is outside"),
        ('files-dir = "/"\n', ".transpile.toml: files-dir is outside"),
        ("strict = \n", ".transpile.toml: Invalid value"),
        ("x = " + "[" * 5000, ".transpile.toml: values are nested too deeply"),
    ],
)
def test_wrong_settings_are_wrong_usage(text: str, message: str, repository: Path) -> None:
    (repository / ".transpile.toml").write_text(text)
    for arguments in (["deep/site.bu"], ["check", "."]):
        done = run(*arguments, cwd=repository)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_without_a_working_directory_there_are_no_settings(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    script = f"mkdir {gone}; cd {gone}; rmdir {gone}; exec '{sys.executable}' -P -m transpiler {tmp_path}/site.bu"
    (tmp_path / "site.bu").write_text(WARNS)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize("command", [["--check"], ["check"], ["pack", "--limit", "1M"]], ids=lambda one: one[0])
def test_an_empty_target_is_refused_with_the_list(command: list[str], repository: Path) -> None:
    done = run(*command, "--target", "", "site.bu", cwd=repository / "deep")
    assert done.returncode == 2
    assert "the target has no name; targets are fcos-36, " in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["FCOS-42", "fcos42", "fcos-421"])
def test_a_target_in_another_spelling(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"there is no target {name} \(did you mean fcos-42\?\); targets are "):
        release_given(name)
