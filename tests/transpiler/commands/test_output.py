"""Writing in place of an old file: owner, mode and symbolic links stay, and so does what another program wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import WITHOUT_RIGHTS
from transpiler.commands.output import OutputFailed, replace_text, write_bytes

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes owners, mounts, and can drop rights")


@needs_root
def test_the_owner_stays(tmp_path: Path) -> None:
    file = tmp_path / "a.bu"
    file.write_bytes(b"old")
    os.chown(file, 1234, 1235)
    file.chmod(0o640)
    write_bytes(str(file), b"new")
    found = file.stat()
    assert (file.read_bytes(), found.st_uid, found.st_gid, found.st_mode & 0o7777) == (b"new", 1234, 1235, 0o640)


@needs_root
def test_a_mount_point_is_written_directly(tmp_path: Path) -> None:
    """A container often gets one file of its host as a mount."""
    outside, file = tmp_path / "outside", tmp_path / "a.bu"
    outside.write_bytes(b"a longer old text")
    file.touch()
    subprocess.run(["mount", "--bind", outside, file], check=True)
    try:
        write_bytes(str(file), b"new")
    finally:
        subprocess.run(["umount", file], check=True)
    assert outside.read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bu", "outside"]


@needs_root
def test_rights(tmp_path: Path) -> None:
    """A file without the right to write is refused; in a folder without it, a file is written directly."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, mode in (("fixed.bu", 0o444), ("free.bu", 0o644)):
        (folder / name).write_bytes(b"variant:   fcos\n")
        (folder / name).chmod(mode)
    folder.chmod(0o555)
    argv = [*WITHOUT_RIGHTS, sys.executable, "-m", "transpiler", "fmt", str(folder)]
    done = subprocess.run(argv, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    fixed = folder / "fixed.bu"
    assert (done.returncode, done.stderr) == (1, f"failed to open {fixed}: open {fixed}: permission denied\n")
    assert [path.read_bytes() for path in (fixed, folder / "free.bu")] == [b"variant:   fcos\n", b"variant: fcos\n"]


def test_a_text_that_changed_after_it_was_read_stays(tmp_path: Path) -> None:
    file = tmp_path / "a.bu"
    for now in (b"what an editor saved", b"old and more", b""):
        file.write_bytes(now)
        with pytest.raises(OutputFailed, match="not written: the file changed meanwhile"):
            replace_text(str(file), b"old", b"new")
        assert file.read_bytes() == now
    file.unlink()
    with pytest.raises(OutputFailed):
        replace_text(str(file), b"old", b"new")
    assert not file.exists()
