"""Local files that are read, and those that are refused, with the reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from transpiler.reading.local_files import ESCAPES, MAX_LOCAL, NO_FILES_DIR, FilesDirectory, LocalFileError, read_file


def test_a_file_up_to_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * (3 << 20))
    assert len(read_file(str(tmp_path / "file"), limit=3 << 20)) == 3 << 20
    with pytest.raises(LocalFileError, match="is larger than 2 MiB"):
        read_file(str(tmp_path / "file"), limit=2 << 20)
    assert MAX_LOCAL == 256 << 20


def test_no_files_directory() -> None:
    with pytest.raises(LocalFileError, match=NO_FILES_DIR) as raised:
        FilesDirectory("").read("motd")
    assert "-d ." in raised.value.hint


@pytest.mark.parametrize("name", ["../x", "a/../../x", "../files2/x"])
def test_paths_that_leave_the_files_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocalFileError, match=ESCAPES):
        FilesDirectory(str(tmp_path / "files")).locate(name)


def test_paths_that_stay_inside(tmp_path: Path) -> None:
    assert FilesDirectory(str(tmp_path)).locate("a/../b") == f"{tmp_path}/b"
    assert FilesDirectory(str(tmp_path)).locate("/b") == f"{tmp_path}/b"
    assert FilesDirectory("/").locate("etc") == "/etc"


def test_a_missing_file_and_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LocalFileError, match="is a named pipe"):
        FilesDirectory(str(tmp_path)).read("pipe")
    with pytest.raises(LocalFileError, match="no such file or directory") as raised:
        FilesDirectory(str(tmp_path)).read("nope")
    assert "files directory" in raised.value.hint
    with pytest.raises(LocalFileError, match="is a directory") as raised:
        FilesDirectory(str(tmp_path)).read(".")
    assert raised.value.hint == ""
