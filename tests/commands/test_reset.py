"""`provision reset` on root file systems in folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.boot.factory_reset import REQUEST
from provision.boot.records.completion_record import RECORD
from provision.cli import run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files in a root belong to root")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("usr/share/factory/etc/passwd", "home/core/data", "etc/hostname", RECORD[1:]):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")
    return tmp_path


def test_it_names_what_goes_and_changes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provision", "reset", "--root", str(root), "--keep", "/home/core/"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "The reset removes, with all that is below:",
        "  /etc (made again from /usr/share/factory/etc)",
        "It keeps: /usr, /home/core",
        "Nothing was changed: --yes asks for the reset.",
    ]
    assert not (root / REQUEST[1:]).exists()


def test_yes_writes_the_request_and_removes_the_record(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provision", "reset", "--root", str(root), "--keep", "/home", "--yes"]) == 0
    assert json.loads((root / REQUEST[1:]).read_text()) == {"keep": ["/home"]}
    assert (root / REQUEST[1:]).stat().st_mode & 0o777 == 0o600
    assert not (root / RECORD[1:]).exists()
    assert f"rm {root}{REQUEST}, and write its record on its machine" in capsys.readouterr().out
    assert (root / "etc/hostname").exists(), "the next boot does the rest"
    assert run(["provision", "reset", "--root", str(root), "--yes"]) == 0
    assert json.loads((root / REQUEST[1:]).read_text()) == {"keep": []}


@pytest.mark.parametrize("streams", [">&- 2>&-", ">/dev/full", ">/dev/full 2>/dev/full"])
@pytest.mark.parametrize("yes", [True, False])
def test_the_exit_code_says_whether_a_reset_is_asked_for(yes: bool, streams: str, root: Path) -> None:
    """What is printed with --yes only informs; without it the list is all that the command gives."""
    argv = [sys.executable, "-m", "provision", "reset", "--root", str(root), *(["--yes"] if yes else [])]
    done = subprocess.run(["sh", "-c", f'"$@" {streams}', "sh", *argv], check=False)
    assert (done.returncode, (root / REQUEST[1:]).exists()) == ((0, True) if yes else (1, False))


@pytest.mark.parametrize("keep", ["home", "/", "//", "/..", "/missing"])
def test_a_wrong_path_is_named(root: Path, keep: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provision", "reset", "--root", str(root), "--keep", keep, "--yes"]) in {1, 2}
    assert f"--keep {keep}: " in capsys.readouterr().err
    assert (root / RECORD[1:]).exists()


def test_a_system_without_a_factory_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "usr/share/factory/etc/passwd").unlink()
    assert run(["provision", "reset", "--root", str(root), "--yes"]) == 1
    assert "/usr/share/factory/etc/passwd" in capsys.readouterr().err
    assert (root / RECORD[1:]).exists()
    assert not (root / REQUEST[1:]).exists()


def test_a_folder_that_is_no_system_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["provision", "reset", "--root", str(tmp_path / "missing"), "--yes"]) == 1
    assert "is not the root of a system" in capsys.readouterr().err


WITHOUT_BOOT = """
root=$1
for folder in /*; do
    [ ! -h "$folder" ] || cp -P "$folder" "$root"
    [ -d "$folder" ] && [ ! -h "$folder" ] && [ ! -e "$root$folder" ] && [ "$folder" != /boot ] || continue
    mkdir "$root$folder" && mount --rbind "$folder" "$root$folder"
done
mount --bind "$root/usr/share" /usr/share
mount --rbind /usr "$root/usr"
shift
exec chroot "$root" "$@"
"""


@pytest.mark.disks
def test_a_machine_without_a_place_for_the_stamp_keeps_its_record(root: Path) -> None:
    """The program is the first process of a PID namespace, so this root is that of its machine."""
    namespace = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-euc", WITHOUT_BOOT, "sh", str(root)]
    argv = [*namespace, sys.executable, "-m", "provision", "reset", "--root", "/", "--yes"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "there is no /boot for a stamp" in done.stderr
    assert done.returncode == 1
    assert (root / RECORD[1:]).exists()
    assert not (root / REQUEST[1:]).exists()
