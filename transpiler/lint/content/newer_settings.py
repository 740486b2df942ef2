"""Lint about settings that the systemd or podman of the target does not know yet. Without a target, it says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.problems import Path, Problem
from transpiler.lint.content.files import texts
from transpiler.lint.content.ini import settings
from transpiler.lint.content.tables import table
from transpiler.lint.source import LintInput, node_at, place_of_line, remark
from transpiler.lint.units import unit_texts
from transpiler.releases.table import Release, version_key

_NETWORK_FILE = re.compile(r"/systemd/network/[^/]+\.(network|netdev|link)(?:\.d/[^/]+)?$")

_QUADLET_FILE = re.compile(
    r"/(?:etc|usr/share)/containers/systemd/.*\.(?:container|volume|network|kube|image|build|pod)(?:\.d/[^/]+)?"
)

_FIRST_WITH_QUADLETS = "4.4"
"""Source: the release notes of podman."""


def newer_settings(source: LintInput) -> Iterator[Problem]:
    """Warnings about settings of units, quadlets and files for networkd and udev, which the target does not know."""
    if source.release is None:
        return
    for unit in unit_texts(source):
        yield from _newer(unit.path, unit.text, "units-since", source.release, source)
        if unit.path[1] == "quadlets":
            yield from _quadlet(unit.path, unit.text, source.release, source)
    for path, name, text in texts(source):
        match = _NETWORK_FILE.search(name)
        if match:
            which = "link-since" if match[1] == "link" else "networkd-since"
            yield from _newer(path, text, which, source.release, source)
        elif _QUADLET_FILE.fullmatch(name):
            yield from _newer(path, text, "units-since", source.release, source)
            yield from _quadlet(path, text, source.release, source)


def _newer(path: Path, text: str, which: str, release: Release, source: LintInput) -> Iterator[Problem]:
    """Settings that the target's systemd ignores."""
    for one in settings(text):
        since = int(table(which).get(one.section, {}).get(one.name, "0"))
        if since > release.systemd and one.name not in release.backports:
            message = f"{one.name}= was added in systemd {since}, and {release.name} has systemd {release.systemd}"
            hint = f"the target ignores it: leave it out, or choose a target with systemd {since} or newer"
            at = place_of_line(node_at(source.root, path), source, one.line)
            yield remark(path, "newer-setting", message, hint, at)


def _quadlet(path: Path, text: str, release: Release, source: LintInput) -> Iterator[Problem]:
    """Settings for which the target's podman refuses a quadlet."""
    if not release.podman:
        return
    if version_key(release.podman) < version_key(_FIRST_WITH_QUADLETS):
        message = f"quadlets need podman {_FIRST_WITH_QUADLETS}, and {release.name} has podman {release.podman}"
        yield remark(path, "newer-setting", message, "write a unit that starts podman")
        return
    for one in settings(text):
        since = table("quadlets-since").get(one.section, {}).get(one.name, "")
        if since and version_key(since) > version_key(release.podman):
            message = f"{one.name}= was added in podman {since}, and {release.name} has podman {release.podman}"
            hint = f"the target refuses the quadlet: leave it out, or choose a target with podman {since} or newer"
            at = place_of_line(node_at(source.root, path), source, one.line)
            yield remark(path, "newer-setting", message, hint, at)
