"""10,000 random trees with links: paths lead to the same places as in a chroot, and never out of the tree."""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from provision.planning.arguments import Content
from provision.planning.file_actions import WriteFile
from provision.system.root.blob_store import BlobStore
from provision.system.root.files_and_links import NodeFailed, carry_out
from provision.system.root.guarded_paths import GuardedTree, walk
from tests.system.random_trees import create, random_path, random_tree

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")]

TREES = 10_000
AT_ONCE = 500

Answers = list[list[int | None]]


def paths_of(seed: int) -> list[str]:
    dice = random.Random(-seed - 1)
    return ["/" + random_path(dice) for _ in range(4)]


def chrooted(folder: Path, seeds: range) -> Answers:
    """The inodes to which paths lead in a chroot. A child finds them, and leaves the chroot for the next tree."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        outside = os.open("/", os.O_RDONLY)
        answers = []
        for seed in seeds:
            os.chroot(folder / str(seed) / "root")
            os.chdir("/")
            answers.append([ends(path) for path in paths_of(seed)])
            os.fchdir(outside)
            os.chroot(".")
        with os.fdopen(writing, "w") as file:
            json.dump(answers, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        found: Answers = json.load(file)
    os.waitpid(child, 0)
    return found


def ends(path: str) -> int | None:
    try:
        return os.lstat(path).st_ino
    except OSError:
        return None


def by_kernel(tree: GuardedTree, path: str) -> int | None:
    node = tree.file_status(path)
    return node.identity[1] if node and node.identity else None


def by_walking(tree: GuardedTree, path: str) -> int | None:
    root = os.open(tree.root, os.O_PATH)
    try:
        fd = walk(root, path, os.O_PATH | os.O_NOFOLLOW)
    except OSError:
        return None
    finally:
        os.close(root)
    inode = os.fstat(fd).st_ino
    os.close(fd)
    return inode


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory in memory: 40,000 files are written one by one, and each would wait for a disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name)


@pytest.mark.parametrize("first", range(0, TREES, AT_ONCE))
def test_paths_lead_where_a_chroot_says(folder: Path, first: int) -> None:
    seeds = range(first, first + AT_ONCE)
    for seed in seeds:
        (folder / str(seed) / "root").mkdir(parents=True)
        (folder / str(seed) / "outside/a").mkdir(parents=True)
        create(random_tree(seed), str(folder / str(seed) / "root"))
    for seed, answers in zip(seeds, chrooted(folder, seeds), strict=True):
        tree = GuardedTree(str(folder / str(seed) / "root"))
        found = [(by_kernel(tree, path), by_walking(tree, path)) for path in paths_of(seed)]
        assert found == [(answer, answer) for answer in answers], seed
        for path in paths_of(seed):
            with suppress(NodeFailed):
                carry_out(tree, BlobStore(tree, "/nowhere"), [WriteFile(path, (Content(b"x"),))])
        assert list((folder / str(seed) / "outside").rglob("*")) == [folder / str(seed) / "outside/a"]
        assert sorted(os.listdir(folder / str(seed))) == ["outside", "root"]
        assert not list((folder / str(seed)).rglob("*.provision"))
