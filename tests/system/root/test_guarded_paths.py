from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.planning.machine_view import FileType
from provision.system.root.guarded_paths import MAX_CONTENT, GuardedTree, walk
from tests.system.random_trees import STEPS, RandomTree, created, trees


@pytest.fixture
def tree(tmp_path: Path) -> GuardedTree:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/hostname").write_text("inside")
    (tmp_path / "root/hosts").symlink_to("/etc/hostname")
    (tmp_path / "root/up").symlink_to("../../../etc")
    (tmp_path / "root/loop").symlink_to("loop")
    return GuardedTree(str(tmp_path / "root"))


def test_nodes(tree: GuardedTree) -> None:
    found = tree.file_status("/etc/hostname")
    assert found is not None
    assert (found.kind, found.size, found.uid) == (FileType.FILE, 6, os.geteuid())
    link = tree.file_status("/hosts")
    assert link is not None
    assert (link.kind, link.target, link.size) == (FileType.LINK, "/etc/hostname", None)
    assert tree.file_status("/up/hostname") == found
    root = tree.file_status("/")
    assert root is not None
    assert root.kind is FileType.DIRECTORY


@pytest.mark.parametrize("path", ["/nothing", "/etc/hostname/below", "/loop/x", "/nothing/x"])
def test_what_is_not_there(tree: GuardedTree, path: str) -> None:
    assert tree.file_status(path) is None
    assert tree.content(path) is None
    assert tree.children(path) == []


def test_content_is_that_of_small_regular_files(tree: GuardedTree) -> None:
    assert tree.content("/up/hostname") == b"inside"
    assert tree.content("/hosts") is None
    assert tree.content("/etc") is None
    os.mkfifo(f"{tree.root}/pipe")
    assert tree.content("/pipe") is None
    os.truncate(f"{tree.root}/etc/hostname", MAX_CONTENT + 1)
    assert tree.content("/etc/hostname") is None


def test_children_are_sorted(tree: GuardedTree) -> None:
    assert tree.children("/") == ["etc", "hosts", "loop", "up"]


def test_the_root_of_the_machine_is_a_tree_too() -> None:
    assert GuardedTree("/").outside("/etc") == "/etc"
    assert GuardedTree("/").outside("/") == "/"
    assert GuardedTree("/mnt/").outside("/etc") == "/mnt/etc"
    assert GuardedTree("/mnt/").outside("/") == "/mnt"
    assert GuardedTree("/").file_status("/etc") is not None


@pytest.mark.parametrize("follow", [True, False])
@given(tree=trees(), path=st.lists(st.sampled_from(STEPS), min_size=1, max_size=5).map("/".join))
def test_the_kernel_and_our_own_walk_agree_and_stay_inside(*, follow: bool, tree: RandomTree, path: str) -> None:
    flags = os.O_PATH | (0 if follow else os.O_NOFOLLOW)
    with created(tree) as root:
        end = _inode(lambda: GuardedTree(root).open(path, flags))
        top = os.open(root, os.O_PATH | os.O_DIRECTORY)
        assert _inode(lambda: walk(top, path, flags)) == end
        os.close(top)
        assert end is None or end in {os.lstat(one).st_ino for one in _everything(root)}


def _inode(opened: Callable[[], int]) -> int | None:
    try:
        fd = opened()
    except OSError:
        return None
    try:
        return os.fstat(fd).st_ino
    finally:
        os.close(fd)


def _everything(root: str) -> list[str]:
    return [root, *(f"{top}/{name}" for top, folders, files in os.walk(root) for name in (*folders, *files))]
