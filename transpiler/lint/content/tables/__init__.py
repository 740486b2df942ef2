"""The names that the programs of a machine know, of all their versions up to the newest that was read.

systemd 247 to 262 (settings of its programs from 239 on), podman 6, NetworkManager 1.30 to 1.58, OpenSSH 8.4 to 10.6,
options of sudo 1.8 to 1.9,
tzdata and the locales of glibc 2.43: `python -m docs.generate.content_tables` adds those of other versions.
`unit-names` are the units of systemd, `known-units` those of other packages and of systems. `since` has the versions
that added names.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

OLD = "OLD"
"""The kind of names that systemd accepts and ignores, or that its manual no longer has."""


@cache
def table(name: str) -> Mapping[str, Mapping[str, str]]:
    """Section -> name -> the kind of its value as the service manager names it, such as `BOOLEAN`; may be empty.

    In the tables of versions, such as `since/sshd`, it is the version that added the name. Names before the first
    section are of section "".
    """
    found: dict[str, dict[str, str]] = {}
    current = [""]
    for line in (files("transpiler.lint.content.tables") / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            current = line.strip("[]").split()
        elif line and not line.startswith("#"):
            setting, _, kind = line.partition(" ")
            for section in current:
                found.setdefault(section, {})[setting] = kind
    return found


@cache
def listed(name: str) -> frozenset[str]:
    """The lines of a table without sections."""
    text = (files("transpiler.lint.content.tables") / f"{name}.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))
