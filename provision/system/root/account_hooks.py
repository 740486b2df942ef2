"""Programs of a root that useradd and userdel run: those of a foreign root are refused."""

from __future__ import annotations

from collections.abc import Iterator

from provision.system.root.guarded_paths import GuardedTree

HOOKS = "/etc/shadow-maint"


def hooks(tree: GuardedTree) -> Iterator[str]:
    """The paths of the programs that useradd and userdel run before and after (useradd(8), shadow 4.12 and later)."""
    for folder in tree.children(HOOKS):
        yield from (f"{HOOKS}/{folder}/{name}" for name in tree.children(f"{HOOKS}/{folder}"))


def check_hooks(tree: GuardedTree) -> None:
    """Raises ValueError for a foreign tree with hooks."""
    for path in hooks(tree):
        raise ValueError(f"{path} would have to be run, but programs of a foreign root are never run")
