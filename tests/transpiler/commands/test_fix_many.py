"""`transpile check --fix` and `--diff`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from transpiler.commands.fix_many import fix_many, write_fixed
from transpiler.commands.settings import CheckSettings

WRONG = "variant: fcos\r\nversion: 1.5 # short\r\npasswd: {users: [{name: core, password_hash: $6$secret}]}"
GOOD = WRONG.replace("1.5", "1.5.0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/a.bu").write_bytes(WRONG.encode())
    (tmp_path / "configs/a.bu").chmod(0o640)
    (tmp_path / "link.bu").symlink_to("configs/a.bu")
    return tmp_path


def check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "transpiler", "check", *arguments]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run(argv, cwd=folder, env=environment, check=False, capture_output=True, text=True)


def test_fix_changes_the_file_behind_a_link_and_keeps_its_mode(folder: Path) -> None:
    done = check(folder, "--fix", "link.bu")
    assert done.returncode == 0
    assert done.stderr == "fixed 1 problem in 1 file\n1 config is valid: 1 warning\n"
    file = folder / "configs/a.bu"
    assert file.read_bytes().decode() == GOOD
    assert (folder / "link.bu").is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert check(folder, "--fix", "link.bu").stderr.startswith("nothing to fix\n")


def test_one_file_under_two_names_is_mended_once(folder: Path) -> None:
    (folder / "b.bu").hardlink_to(folder / "configs/a.bu")
    assert check(folder, "--fix", ".").returncode == 0
    assert (folder / "b.bu").read_bytes().decode() == GOOD
    assert (folder / "b.bu").samefile(folder / "configs/a.bu")


def test_diff_changes_nothing_and_shows_only_changed_lines(folder: Path) -> None:
    done = check(folder, "--diff", "configs")
    assert (done.returncode, done.stderr) == (1, "--fix would fix 1 problem in 1 file\n")
    assert done.stdout.splitlines() == [
        "--- configs/a.bu",
        "+++ configs/a.bu",
        "@@ -2 +2 @@",
        "-version: 1.5 # short",
        "+version: 1.5.0 # short",
    ]
    assert (folder / "configs/a.bu").read_bytes().decode() == WRONG
    check(folder, "--fix", "-q", "configs")
    assert check(folder, "--diff", "configs").returncode == 0


def test_the_diff_is_a_patch(folder: Path) -> None:
    check(folder, "--diff", "-o", "change.patch", "configs")
    subprocess.run(["git", "apply", "--unidiff-zero", "-p0", "change.patch"], cwd=folder, check=True)
    assert (folder / "configs/a.bu").read_bytes().decode() == GOOD


def test_a_file_that_cannot_be_read_is_reported(folder: Path) -> None:
    (folder / "none.bu").symlink_to("missing")
    done = check(folder, "--fix", "none.bu", "configs")
    assert done.returncode == 1
    assert "none.bu: error: cannot be read: no such file or directory" in done.stdout
    assert (folder / "configs/a.bu").read_bytes().decode() == GOOD


def test_one_file_that_cannot_be_written_does_not_stop_the_others(folder: Path) -> None:
    other = folder / "configs/b.bu"
    other.write_bytes(WRONG.encode())
    files = fix_many([str(folder / "configs/a.bu"), str(other)], CheckSettings(), None, 1, set())
    (folder / "configs/a.bu").write_text("saved meanwhile")
    written, messages = write_fixed(files)
    assert ([one.name for one in written], len(messages)) == ([str(other)], 1)
    assert (folder / "configs/a.bu").read_text() == "saved meanwhile"
    assert other.read_bytes().decode() == GOOD


@pytest.mark.slow
def test_parts_are_mended_too(tmp_path: Path) -> None:
    head = "variant: fcos\nversion: 1.5.0\n"
    (tmp_path / "parts").mkdir()
    (tmp_path / "a.bu").write_text(f"extends: base.bu\n{head}storage: {{files: !include parts/files.yaml}}\n")
    (tmp_path / "b.bu").write_text(f"{head}storage: {{files: !include parts/files.yaml}}\n")
    (tmp_path / "base.bu").write_text(f"{head}storage: {{files: [{{path: /b, mode: 755}}]}}\n")
    (tmp_path / "parts/files.yaml").write_text("- path: /a\n  mode: 644 # why\n- path: /c\n  user: core\n")
    mended = "- path: /a\n  mode: 0644 # why\n- path: /c\n  user: {name: core}\n"
    assert "+  mode: 0644 # why" in check(tmp_path, "--diff", "parts/files.yaml").stdout
    done = check(tmp_path, "--fix", "--exclude", "b.bu", "--exclude", "parts", "a.bu", "base.bu")
    assert "fixed 1 problem in 1 file\n" in done.stderr
    assert "mode: 0755" in (tmp_path / "base.bu").read_text()
    assert (tmp_path / "parts/files.yaml").read_text() != mended
    assert "fixed 2 problems in 1 file\n" in check(tmp_path, "--fix", ".").stderr
    assert (tmp_path / "parts/files.yaml").read_text() == mended
    assert check(tmp_path, "--fix", ".").stderr.startswith("nothing to fix\n")


def test_files_of_values_stay(tmp_path: Path) -> None:
    config = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, mode: !var m}]}\n"
    (tmp_path / "a.bu").write_text(config)
    (tmp_path / "vars.yaml").write_text("m: 644\n")
    done = check(tmp_path, "--fix", "--vars-file", "vars.yaml", "a.bu")
    assert (done.returncode, done.stderr.split("\n")[0]) == (0, "nothing to fix")
    assert "vars.yaml:1:4: warning" in done.stdout
    assert (tmp_path / "vars.yaml").read_text() == "m: 644\n"
