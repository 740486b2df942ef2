"""A file that appears between plan and write is kept if it must not be replaced; an interrupted run is continued."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from provision.planning.arguments import Content
from provision.planning.file_actions import FileAction, MakeHardLink, MakeSymlink, WriteFile
from provision.system.root.blob_store import BlobStore
from provision.system.root.files_and_links import NodeFailed, carry_out
from provision.system.root.guarded_paths import GuardedTree

UID, GID = os.geteuid(), os.getegid()
FILE = WriteFile("/new", (Content(b"data"),), 0o640, UID, GID, exclusive=True)
LINK = MakeSymlink("/new", "other", UID, GID, exclusive=True)
HARD = MakeHardLink("/new", "/other", exclusive=True)


def do(root: Path, action: FileAction) -> None:
    tree = GuardedTree(str(root))
    carry_out(tree, BlobStore(tree, str(root)), [action])


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "other").write_text("other")
    return tmp_path


@pytest.mark.parametrize("action", [FILE, LINK, HARD], ids=["file", "link", "hard link"])
@pytest.mark.parametrize("kind", ["file", "link", "directory", "fifo"])
def test_what_has_appeared_stays(root: Path, action: FileAction, kind: str) -> None:
    new = root / "new"
    if kind == "file":
        new.write_text("somebody's")
        new.chmod(0o640)
    elif kind == "link":
        new.symlink_to("elsewhere")
    elif kind == "directory":
        new.mkdir()
    else:
        os.mkfifo(new)
    before = new.lstat()
    with pytest.raises(NodeFailed) as failed:
        do(root, action)
    assert "has appeared since it was planned" in str(failed.value.__cause__)
    assert new.lstat() == before
    assert names(root) == ["new", "other"]


@pytest.mark.parametrize("action", [FILE, LINK, HARD], ids=["file", "link", "hard link"])
def test_the_same_again_is_no_conflict(root: Path, action: FileAction) -> None:
    do(root, action)
    before = (root / "new").lstat().st_ino
    do(root, action)
    assert (root / "new").lstat().st_ino == before
    assert names(root) == ["new", "other"]


@pytest.mark.parametrize("change", [{"mode": 0o600}, {"parts": (Content(b"dat4"),)}, {"parts": (Content(b"data+"),)}])
def test_nearly_the_same_is_a_conflict(root: Path, change: dict[str, Any]) -> None:
    do(root, FILE)
    with pytest.raises(NodeFailed):
        do(root, FILE._replace(**change))
    assert (root / "new").read_bytes() == b"data"
    assert stat.S_IMODE((root / "new").stat().st_mode) == 0o640


def test_without_the_flag_it_is_replaced(root: Path) -> None:
    (root / "new").write_text("somebody's")
    do(root, FILE._replace(exclusive=False))
    assert (root / "new").read_bytes() == b"data"
