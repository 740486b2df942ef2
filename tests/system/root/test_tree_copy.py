"""A copy of a tree has everything that the tree has."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.system.root.tree_copy import copy_tree
from tests.real.boot.roots.special_files import make, shown
from tests.real.disks.loop_devices import MIB, blank, loop

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="device nodes and owners need root")


def copied(source: Path, target: Path, omitted: frozenset[str] = frozenset()) -> int:
    target.mkdir()
    return copy_tree(str(source), str(target), omitted).nodes


def test_a_copy_has_everything(tmp_path: Path) -> None:
    make(tmp_path / "tree")
    assert copied(tmp_path / "tree", tmp_path / "copy") == len(shown(tmp_path / "tree")) - 1
    assert shown(tmp_path / "copy") == shown(tmp_path / "tree")
    assert (tmp_path / "copy/plain").samefile(tmp_path / "copy/second-name")


def test_what_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "tree/etc").mkdir(parents=True)
    (tmp_path / "tree/etc/record").touch()
    (tmp_path / "tree/etc/other").touch()
    copied(tmp_path / "tree", tmp_path / "copy", frozenset({"/etc/record"}))
    assert os.listdir(tmp_path / "copy/etc") == ["other"]


def test_attributes_that_the_first_copy_could_not_hold(tmp_path: Path) -> None:
    """The next copy sets them, under any name of the file."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").touch()
    os.link(tree / "a", tree / "b")
    for name in ("a", "b"):
        target = tmp_path / f"copy-{name}"
        target.mkdir()
        copy_tree(str(tree), str(target), kept={f"/{name}": {"user.colour": b"green"}})
        assert os.getxattr(target / "a", "user.colour") == b"green"


def test_the_size_of_a_file_that_begins_and_ends_with_a_hole(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree/hole").open("wb") as file:
        file.seek(1 << 20)
        file.write(b"data")
        file.truncate(3 << 20)
    (tmp_path / "tree/empty").touch()
    copied(tmp_path / "tree", tmp_path / "copy")
    assert (tmp_path / "copy/hole").read_bytes() == (tmp_path / "tree/hole").read_bytes()
    assert (tmp_path / "copy/empty").stat().st_size == 0


@pytest.mark.disks
def test_an_acl_is_copied_once_from_xfs(tmp_path: Path) -> None:
    """xfs shows it under a second name, in a form of its own, which another file system would keep as it is."""
    tree = tmp_path / "tree"
    tree.mkdir()
    with loop(blank(tmp_path / "disk", 400 * MIB)) as node:
        subprocess.run(["mkfs.xfs", "-q", node], check=True)
        subprocess.run(["mount", node, tree], check=True)
        try:
            make(tree / "special")
            assert "trusted.SGI_ACL_FILE" in os.listxattr(tree / "special/acl")
            copied(tree, tmp_path / "copy")
        finally:
            subprocess.run(["umount", tree], check=True)
    assert os.listxattr(tmp_path / "copy/special/acl") == ["system.posix_acl_access"]


def test_what_was_copied_is_told_part_by_part(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "tree/large").write_bytes(bytes(20 << 20))
    told: list[int] = []
    copy_tree(str(tmp_path / "tree"), str(tmp_path / "target"), report=told.append)
    assert sum(told) == 20 << 20
    assert max(told) <= 16 << 20
