"""The dialects of Container Linux Configs, and the choice of the options of etcd and flannel: tables.

Source: `config/types/etcd.go`, `flannel.go` and `update.go` of coreos/container-linux-config-transpiler and of
flatcar/container-linux-config-transpiler.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from transpiler.container_linux import option_versions


class Dialect(NamedTuple):
    """One program named ct.

    `etcd_default` is the version of etcd whose options a config without a version has, `etcd_newest` the newest one
    whose options are known. `empty_section` are the forms of null that stand for a section without keys, as `{}` does;
    any other null is the same as no section.
    """

    name: str
    etcd_default: str
    etcd_newest: str
    empty_section: frozenset[str] = frozenset()


DIALECTS = (
    Dialect("coreos", etcd_default="3.0.0", etcd_newest="3.3", empty_section=frozenset({"~", "Null", "NULL"})),
    Dialect("flatcar", etcd_default="3.5.0", etcd_newest="3.5"),
)
"""All dialects, oldest first. The last one is the default: its program is the newest."""

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
DEFAULT = DIALECTS[-1]

FLANNEL_DEFAULT = "0.6.0"
OLDEST_ETCD = (2, 3, 0)
OLDEST_FLANNEL = (0, 5, 0)
NEWEST_FLANNEL = (0, 7)


class Version(NamedTuple):
    """A semantic version. `before_release` is the text after the first `-`; a version without it is newer."""

    numbers: tuple[int, int, int]
    before_release: str
    text: str

    def is_older(self, other: tuple[int, int, int]) -> bool:
        """Whether it is older than a released version."""
        return self.numbers < other or (self.numbers == other and bool(self.before_release))


class BadVersion(ValueError):
    """A text is not a semantic version; the message is ct's."""


def parse_version(text: str) -> Version:
    """A semantic version, as go-semver reads it. Raises BadVersion."""
    rest, _, metadata = text.partition("+")
    rest, _, before_release = rest.partition("-")
    parts = rest.split(".", 2)
    if len(parts) != 3:
        raise BadVersion(f"{rest} is not in dotted-tri format")
    for name, identifier in (("pre-release", before_release), ("metadata", metadata)):
        if identifier and not re.fullmatch(r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*", identifier):
            raise BadVersion(f"failed to validate {name}: {identifier} is not a valid semver identifier")
    for part in parts:
        if not re.fullmatch(r"[-+]?[0-9]+", part):
            raise BadVersion(f'strconv.ParseInt: parsing "{part}": invalid syntax')
        if len(part.lstrip("+-").lstrip("0")) > 19 or not -(1 << 63) <= _whole(part) < 1 << 63:
            raise BadVersion(f'strconv.ParseInt: parsing "{part}": value out of range')
    major, minor, patch = map(_whole, parts)
    shown = f"{major}.{minor}.{patch}" + (f"-{before_release}" if before_release else "")
    return Version((major, minor, patch), before_release, shown + (f"+{metadata}" if metadata else ""))


def _whole(part: str) -> int:
    """The number. Python reads at most 4,300 digits, so zeros are left out first."""
    number = int(part.lstrip("+-").lstrip("0") or "0")
    return -number if part.startswith("-") else number


def etcd_options(version: Version, dialect: Dialect) -> str:
    """The version in `option_versions.ETCD` whose options a version of etcd has; empty for none."""
    major, minor, _ = version.numbers
    if major == 2:
        return "2.3" if minor >= 3 else ""
    newest = int(dialect.etcd_newest.partition(".")[2])
    return f"3.{min(minor, newest)}" if major == 3 and minor >= 0 else ""


def flannel_options(version: Version) -> str:
    """The version in `option_versions.FLANNEL` whose options a version of flannel has; empty for none."""
    major, minor, _ = version.numbers
    known = f"0.{min(minor, NEWEST_FLANNEL[1])}"
    return known if major == 0 and known in option_versions.FLANNEL else ""
