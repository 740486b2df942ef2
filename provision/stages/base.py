"""Seeding a root file system that `apply` has just made: a given tree, or the least that accounts need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.actions import Argument, Content, Directory, Run, Wave, Write
from provision.config.format import Config
from provision.observe import Account, Fact, Kind, Node, Observe
from provision.stages import Plan
from provision.stages.passwd import DATABASES, GROUP, LOGIN_DEFS, PASSWD

ROOT_USER = Fact("user", "root", Account("root", 0, 0, "/root", "/bin/bash"))
ROOT_GROUP = Fact("group", "root", Account("root", 0))
DEFAULTS = "UID_MIN 1000\nGID_MIN 1000\nUSERGROUPS_ENAB yes\nHOME_MODE 0700\nENCRYPT_METHOD YESCRYPT\n"
MINIMAL = (
    (PASSWD, 0o644, "root:x:0:0:root:/root:/bin/bash\n", (ROOT_USER,)),
    (GROUP, 0o644, "root:x:0:\n", (ROOT_GROUP,)),
    ("/etc/shadow", 0o640, "root:*:::::::\n", ()),
    ("/etc/gshadow", 0o640, "root:*::\n", ()),
    (LOGIN_DEFS, 0o644, DEFAULTS, (Fact("content", LOGIN_DEFS, DEFAULTS.encode()),)),
)
"""What useradd and its kin need; root's password is locked."""
FOLDERS = (("/etc", 0o755), ("/home", 0o755), ("/proc", 0o555), ("/root", 0o700), ("/var", 0o755))
"""usermod looks into /proc of the root, and moves homes only between directories that are there."""


class Base(NamedTuple):
    """A tree to seed a root file system with: how to unpack it, and what a plan can know of it."""

    title: str
    argv: tuple[Argument, ...]
    facts: tuple[Fact, ...]


def seed(base: Base | None) -> Plan:
    """The plan that seeds `/`, unless a passwd file is there already."""

    def plan(_config: Config, observe: Observe) -> Iterator[Wave]:
        if observe.node(PASSWD) is not None:
            return
        if base is None:
            yield tuple(Directory(path, mode, reason="no --base was given") for path, mode in FOLDERS)
            yield tuple(
                Write(path, (Content(text.encode()),), mode, facts=facts, reason="no --base was given")
                for path, mode, text, facts in MINIMAL
            )
        else:
            yield (Run(base.title, base.argv, frozenset({"/"}), base.facts, reason="--base"),)

    return plan


BY_OTHERS: tuple[Argument, ...] = ("true",)
"""The command of a step that is shown because the next ones build on it, and that is none of ours."""


def restored(_config: Config, observe: Observe) -> Iterator[Wave]:
    """For plans only: what a distribution does when a config makes a new root, between mounting and writing files."""
    if observe.node(PASSWD) is None:
        filled = tuple(Fact("node", path, Node(Kind.FILE)) for path in DATABASES)
        title = "fill / with the system (the distribution does)"
        yield (Run(title, BY_OTHERS, frozenset({"/"}), filled, "the root is empty"),)
