"""Output files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from transpiler.commands.output import OutputFailed, write_output


def test_a_new_file_is_private_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("before")
    old.chmod(0o640)
    before = old.stat().st_ino
    for path in (new, old):
        write_output(str(path), "after")
        assert path.read_text() == "after"
    assert [path.stat().st_mode & 0o777 for path in (new, old)] == [0o600, 0o640]
    assert old.stat().st_ino != before, "it is replaced in one step"
    assert sorted(os.listdir(tmp_path)) == ["new", "old"]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_output(str(tmp_path / "link"), "a")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "a"


def test_a_device_and_a_descriptor_are_written_directly(tmp_path: Path) -> None:
    write_output("/dev/null", "a")
    with (tmp_path / "file").open("w+") as file:
        write_output(f"/dev/fd/{file.fileno()}", "a")
        assert file.read() == "a"
    assert sorted(os.listdir(tmp_path)) == ["file"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing/file", "failed to open missing/file: open missing/file: no such file or directory"),
        (".", "failed to open .: open .: is a directory"),
        ("/dev/full", "failed to write /dev/full: write /dev/full: no space left on device"),
    ],
)
def test_what_failed_is_reported(path: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputFailed) as raised:
        write_output(path, "a")
    assert str(raised.value) == message
