"""Seeding a root file system that `apply` has just made: a given tree, or the least that accounts need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.actions import Argument, Content, Directory, Place, Run, Wave, Write
from provision.config.format import Config
from provision.observe import Account, Fact, Kind, Node, Observe
from provision.stages import Plan

MINIMAL = {
    "/etc/passwd": (0o644, "root:x:0:0:root:/root:/bin/bash\n"),
    "/etc/group": (0o644, "root:x:0:\n"),
    "/etc/shadow": (0o640, "root:*:::::::\n"),
    "/etc/gshadow": (0o640, "root:*::\n"),
}
"""What useradd and its kin need; root's password is locked."""


class Base(NamedTuple):
    """A tree to seed a root file system with: how to unpack it, and what a plan can know of it."""

    title: str
    argv: tuple[Argument, ...]
    facts: tuple[Fact, ...]


def seed(base: Base | None) -> Plan:
    """The plan that seeds `/`, unless a passwd file is there already."""

    def plan(_config: Config, observe: Observe) -> Iterator[Wave]:
        if observe.node("/etc/passwd") is not None:
            return
        if base is None:
            yield (Directory("/etc", reason="no --base was given"), Directory("/root", 0o700))
            yield tuple(Write(path, (Content(text.encode()),), mode) for path, (mode, text) in MINIMAL.items())
        else:
            yield (Run(base.title, base.argv, frozenset({"/"}), base.facts, reason="--base"),)

    return plan


def minimal_facts() -> tuple[Fact, ...]:
    """The accounts of the minimal base."""
    return (Fact("user", "root", Account("root", 0, 0, "/root")), Fact("group", "root", Account("root", 0)))


def unpack(source: str, *, is_directory: bool, facts: tuple[Fact, ...]) -> Base:
    """A base from a directory or a tar archive (compressed or not), with what is known of its contents."""
    copy: tuple[Argument, ...] = ("cp", "-a", "--", f"{source}/.", Place("/"))
    extract: tuple[Argument, ...] = ("tar", "--extract", "--numeric-owner", "-C", Place("/"), "-f", source)
    return Base(f"unpack {source}", copy if is_directory else extract, facts)


def node_fact(path: str, kind: Kind, mode: int, target: str | None = None) -> Fact:
    """A node of a base, as a plan sees it."""
    return Fact("node", path, Node(kind, mode, target=target))
