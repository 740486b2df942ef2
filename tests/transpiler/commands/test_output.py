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
    for path in (new, old):
        write_output(str(path), "after")
    assert [(path.read_text(), path.stat().st_mode & 0o777) for path in (new, old)] == [
        ("after", 0o600), ("after", 0o640),
    ]  # fmt: skip
    assert sorted(os.listdir(tmp_path)) == ["new", "old"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing/file", "failed to open missing/file: open missing/file: no such file or directory"),
        (".", "failed to open .: open .: is a directory"),
        ("/dev/full", "failed to write /dev/full: write /dev/full: no space left on device"),
    ],
)
def test_what_failed_is_told(path: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputFailed) as raised:
        write_output(path, "a")
    assert str(raised.value) == message
