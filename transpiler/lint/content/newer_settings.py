"""Lint about settings that the systemd of the target does not know yet. Without a target, it says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.problems import Path, Problem
from transpiler.lint.content.files import texts
from transpiler.lint.content.ini import settings
from transpiler.lint.content.tables import table
from transpiler.lint.source import LintInput, node_at, place_of_line, remark
from transpiler.lint.units import unit_texts
from transpiler.releases.table import Release

_NETWORK_FILE = re.compile(r"/systemd/network/[^/]+\.(network|netdev|link)(?:\.d/[^/]+)?$")


def newer_settings(source: LintInput) -> Iterator[Problem]:
    """Warnings about settings of units and of files for networkd and udev, which the target's systemd ignores."""
    if source.release is None:
        return
    for unit in unit_texts(source):
        yield from _newer(unit.path, unit.text, "units-since", source.release, source)
    for path, name, text in texts(source):
        match = _NETWORK_FILE.search(name)
        if match:
            which = "link-since" if match[1] == "link" else "networkd-since"
            yield from _newer(path, text, which, source.release, source)


def _newer(path: Path, text: str, which: str, release: Release, source: LintInput) -> Iterator[Problem]:
    for one in settings(text):
        since = int(table(which).get(one.section, {}).get(one.name, "0"))
        if since > release.systemd and one.name not in release.backports:
            message = f"{one.name}= was added in systemd {since}, and {release.name} has systemd {release.systemd}"
            node = node_at(source.root, path)
            hint = f"the target ignores it: leave it out, or choose a target with systemd {since} or newer"
            yield remark(path, "newer-setting", message, hint, place_of_line(node, source, one.line))
