"""Started as ct, the program has ct's options and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "storage: {files: [{path: /a, mode: 0644, contents: {local: motd}}]}\n"


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    """The program under the name ct, beside a local file."""
    (tmp_path / "motd").write_text("hello")
    program = tmp_path / "ct"
    program.write_text(f"#!{sys.executable}\nfrom transpiler.cli import main\nmain()\n")
    program.chmod(0o755)
    return program


def run(program: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments], input=text, capture_output=True, text=True, cwd=program.parent, check=False
    )


def test_files(ct: Path) -> None:
    (ct.parent / "config.yaml").write_text(GOOD)
    done = run(ct, "-in-file", "config.yaml", "--files-dir=.", "-out-file", "config.ign", "-pretty")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (ct.parent / "config.ign").read_text()
    assert text.startswith('{\n  "ignition": {\n')
    assert text.endswith("}\n")
    assert json.loads(text)["storage"]["files"][0]["contents"]["source"] == "data:,hello"


def test_standard_streams(ct: Path) -> None:
    done = run(ct, "-strict=false", "a", "-nothing", text="docker: {}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["ignition"]["version"] == "2.3.0"
    assert not done.stdout.endswith("\n")


def test_an_empty_text_is_a_config(ct: Path) -> None:
    done = run(ct)
    assert (done.returncode, done.stderr) == (0, "warning: Configuration is empty\n")
    assert run(ct, "-strict").stderr == "warning: Configuration is empty\nFailed to parse config\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["-foo"], 2, "flag provided but not defined: -foo\nUsage of "),
        (["-in-file"], 2, "flag needs an argument: -in-file\nUsage of "),
        (["-pretty=x"], 2, 'invalid boolean value "x" for -pretty: parse error\nUsage of '),
        (["---"], 2, "bad flag syntax: ---\nUsage of "),
        (["-help"], 0, "Usage of "),
        (["-h"], 0, "Usage of "),
        (["-in-file", "missing"], 1, "Failed to open: open missing: no such file or directory\n"),
        (["-in-file", "."], 1, "Failed to read: read .: is a directory\n"),
        (["-out-file", "no/x"], 1, "warning: Configuration is empty\nFailed to create: open no/x: no such file"),
        (["-platform", "x"], 1, "warning: Configuration is empty\nerror: unsupported platform\n"),
    ],
)
def test_wrong_usage(ct: Path, arguments: list[str], code: int, told: str) -> None:
    done = run(ct, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(told)


def test_version(ct: Path) -> None:
    assert run(ct, "-version").stdout.startswith("ct ")
