"""`transpile fmt`: files in place, --check, --diff, and standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from transpiler.commands.fmt import fmt

ROOT = Path(__file__).parents[3]

MESSY = "variant: fcos\nversion:   1.5.0 # v\n"
CLEAN = "variant: fcos\nversion: 1.5.0 # v\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "messy.bu").write_text(MESSY)
    (tmp_path / "clean.bu").write_text(CLEAN)


def test_in_place(capsys: pytest.CaptureFixture[str]) -> None:
    os.chmod("messy.bu", 0o640)
    before = os.stat("clean.bu")
    assert fmt(["."]) == 0
    assert Path("messy.bu").read_text() == CLEAN
    assert os.stat("messy.bu").st_mode & 0o777 == 0o640
    assert os.stat("clean.bu").st_ino == before.st_ino
    assert capsys.readouterr() == ("", "")


def test_check_and_diff_write_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert fmt(["--check", "."]) == 1
    assert capsys.readouterr().out == "messy.bu\n"
    assert fmt(["--diff", "."]) == 1
    assert "-version:   1.5.0 # v\n+version: 1.5.0 # v\n" in capsys.readouterr().out
    assert Path("messy.bu").read_text() == MESSY
    assert fmt(["--check", "--exclude", "messy.bu", "."]) == 0


def test_standard_input() -> None:
    argv = [sys.executable, "-m", "transpiler", "fmt", "-"]
    done = subprocess.run(argv, cwd=ROOT, input=MESSY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, CLEAN, "")


def test_a_text_that_is_not_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.bu").write_text("a: [\n")
    assert fmt(["."]) == 1
    assert capsys.readouterr().err.startswith("bad.bu:2:1: error: ")
    assert Path("bad.bu").read_text() == "a: [\n"
    assert Path("messy.bu").read_text() == CLEAN


def test_a_form_that_stays_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.bu").write_text("a: 1\n---\nb: 2\n")
    assert fmt(["two.bu"]) == 0
    assert capsys.readouterr().err == "two.bu: warning: not formatted: it has several documents\n"


def test_what_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("pipe.bu")
    assert fmt(["pipe.bu"]) == 1
    assert "named pipe" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        fmt(["missing.bu"])
