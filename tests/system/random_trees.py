"""Random trees with symbolic links that lead out of the tree, for tests of path resolution."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from hypothesis import strategies as st

NAMES = ("a", "b", "c", "d")
STEPS = (*NAMES, "..", ".", "a", "b")


class RandomTree(NamedTuple):
    """Directories, and links (path, target). An entry whose path is already taken is left out."""

    folders: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def trees() -> st.SearchStrategy[RandomTree]:
    return st.integers(0, 2**32).map(random_tree)


def random_path(dice: random.Random, steps: tuple[str, ...] = STEPS) -> str:
    return "/".join(dice.choice(steps) for _ in range(dice.randint(1, 4)))


def random_tree(seed: int) -> RandomTree:
    dice = random.Random(seed)
    folders = tuple(random_path(dice, NAMES) for _ in range(dice.randint(0, 4)))
    links = tuple((random_path(dice, NAMES), _target(dice)) for _ in range(dice.randint(1, 6)))
    return RandomTree(folders, links)


def _target(dice: random.Random) -> str:
    before = dice.choice(("", "", "/", "../", "../../../", "../../outside/", "/../outside/", "/proc/self/root/"))
    return before + random_path(dice)


def create(tree: RandomTree, root: str) -> None:
    for folder in tree.folders:
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    for path, target in tree.links:
        if not os.path.lexists(f"{root}/{path}") and not _crosses_a_link(root, path):
            os.makedirs(os.path.dirname(f"{root}/{path}"), exist_ok=True)
            os.symlink(target, f"{root}/{path}")


def _crosses_a_link(root: str, path: str) -> bool:
    parts = path.split("/")
    above = (f"{root}/{'/'.join(parts[:count])}" for count in range(1, len(parts)))
    return any(os.path.islink(one) for one in above)


@contextmanager
def created(tree: RandomTree) -> Iterator[str]:
    """The root of the tree, in a directory that also holds a directory `outside`."""
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/root")
        os.makedirs(f"{folder}/outside/a")
        create(tree, f"{folder}/root")
        yield f"{folder}/root"
