"""Seeding a root file system that `apply` has just made: a given tree, or the least that accounts need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.actions import Argument, Content, Directory, Run, Wave, Write
from provision.config.format import Config
from provision.observe import Account, Fact, Observe
from provision.stages import Plan

MINIMAL = (
    (
        "/etc/passwd",
        0o644,
        "root:x:0:0:root:/root:/bin/bash\n",
        (Fact("user", "root", Account("root", 0, 0, "/root", "/bin/bash")),),
    ),
    ("/etc/group", 0o644, "root:x:0:\n", (Fact("group", "root", Account("root", 0)),)),
    ("/etc/shadow", 0o640, "root:*:::::::\n", ()),
    ("/etc/gshadow", 0o640, "root:*::\n", ()),
)
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
            yield (
                Directory("/etc", reason="no --base was given"),
                Directory("/root", 0o700, reason="no --base was given"),
            )
            yield tuple(
                Write(path, (Content(text.encode()),), mode, facts=facts, reason="no --base was given")
                for path, mode, text, facts in MINIMAL
            )
        else:
            yield (Run(base.title, base.argv, frozenset({"/"}), base.facts, reason="--base"),)

    return plan
