"""`transpile diff`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

OLD = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, contents: {local: words}}]}\n"


def diff(folder: Path, *arguments: str, text: str = "") -> tuple[int, str, str]:
    argv = [sys.executable, "-m", "transpiler", "diff", *arguments]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(argv, cwd=folder, env=environment, input=text, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_exit_status_and_output(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("one\n")
    (tmp_path / "old.bu").write_text(OLD)
    (tmp_path / "new.ign").write_text('{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a"}]}}')
    shown = "~ storage.files[/a]\n    contents: one -> (not set)\n"
    assert diff(tmp_path, "old.bu", "new.ign") == (0, shown, "")
    assert diff(tmp_path, "--exit-code", "-", "new.ign", text=OLD) == (1, shown, "")
    assert diff(tmp_path, "--exit-code", "old.bu", "old.bu") == (0, "", "")


def test_configs_with_errors(tmp_path: Path) -> None:
    (tmp_path / "bad.bu").write_text(OLD.replace("/a", "a"))
    status, shown, told = diff(tmp_path, "bad.bu", "none.ign")
    assert (status, shown) == (2, "")
    assert "bad.bu:3:26: error: storage.files[0].path: path not absolute (hint: write /a)" in told
    assert "none.ign: error: cannot be read: no such file or directory" in told
    assert diff(tmp_path, "bad.bu")[0] == 2
