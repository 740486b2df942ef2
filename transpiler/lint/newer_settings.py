"""Lint about settings that a program of the target does not know yet. Without a target, it says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from provision.config.problems import Path, Problem
from transpiler.lint.content.files.judges import texts
from transpiler.lint.content.files.keyfiles import OTHER_NAMES
from transpiler.lint.content.files.sshd import sshd_lines
from transpiler.lint.content.ini import settings
from transpiler.lint.content.tables import table
from transpiler.lint.source import LintInput, node_at, place_of_line, remark
from transpiler.lint.units.unit_text import unit_texts
from transpiler.releases.table import Release, version_key

_NETWORK_FILE = re.compile(r"/systemd/network/[^/]+\.(network|netdev|link)(?:\.d/[^/]+)?$")

_QUADLET_FILE = re.compile(
    r"/(?:etc|usr/share)/containers/systemd/.*\.(?:container|volume|network|kube|image|build|pod)(?:\.d/[^/]+)?"
)

_KEYFILE = re.compile(r"/(?:etc|usr/lib)/NetworkManager/system-connections/[^/]+")

_SSHD_FILE = re.compile(r"/etc/ssh/sshd_config(?:\.d/[^/]+\.conf)?")

_FIRST_WITH_QUADLETS = "4.4"
"""Source: the release notes of podman."""


class _Newer(NamedTuple):
    """A setting in a line, from 0, and the version of a program that added it."""

    line: int
    name: str
    since: str


def newer_settings(source: LintInput) -> Iterator[Problem]:
    """Warnings about settings in units and in files of a known program, which the target's program does not know."""
    if source.release is None:
        return
    for unit in unit_texts(source):
        yield from _systemd(unit.path, unit.text, "units-since", source.release, source)
        if unit.path[1] == "quadlets":
            yield from _quadlet(unit.path, unit.text, source.release, source)
    for path, name, text in texts(source):
        yield from _file(path, name, text, source.release, source)


def _file(path: Path, name: str, text: str, release: Release, source: LintInput) -> Iterator[Problem]:
    match = _NETWORK_FILE.search(name)
    if match:
        yield from _systemd(path, text, "link-since" if match[1] == "link" else "networkd-since", release, source)
    elif _QUADLET_FILE.fullmatch(name):
        yield from _systemd(path, text, "units-since", release, source)
        yield from _quadlet(path, text, release, source)
    elif _KEYFILE.fullmatch(name):
        found = _newer(_keyfile(text), release.networkmanager, release)
        effect = "the target ignores it"
        yield from _remarks(path, found, ("NetworkManager", release.networkmanager, effect), release, source)
    elif _SSHD_FILE.fullmatch(name):
        found = _newer(_sshd(text), release.openssh, release)
        yield from _remarks(path, found, ("OpenSSH", release.openssh, "sshd does not start"), release, source)


def _systemd(path: Path, text: str, which: str, release: Release, source: LintInput) -> Iterator[Problem]:
    """Settings that the target's systemd ignores."""
    found = _newer(_dated(text, which), str(release.systemd), release)
    return _remarks(path, found, ("systemd", str(release.systemd), "the target ignores it"), release, source)


def _quadlet(path: Path, text: str, release: Release, source: LintInput) -> Iterator[Problem]:
    """Settings for which the target's podman refuses a quadlet."""
    if release.podman and version_key(release.podman) < version_key(_FIRST_WITH_QUADLETS):
        message = f"quadlets need podman {_FIRST_WITH_QUADLETS}, and {release.name} has podman {release.podman}"
        yield remark(path, "newer-setting", message, "write a unit that starts podman")
        return
    found = _newer(_dated(text, "quadlets-since"), release.podman, release)
    yield from _remarks(path, found, ("podman", release.podman, "the target refuses the quadlet"), release, source)


def _dated(text: str, which: str) -> Iterator[_Newer]:
    """The settings of a text whose version a table has."""
    for one in settings(text):
        since = table(which).get(one.section, {}).get(one.name)
        if since:
            yield _Newer(one.line, one.name, since)


def _keyfile(text: str) -> Iterator[_Newer]:
    for one in settings(text, ("#",), continues=False):
        since = table("keyfile-since").get(OTHER_NAMES.get(one.section, one.section), {}).get(one.name)
        if since:
            yield _Newer(one.line, one.name, since)


def _sshd(text: str) -> Iterator[_Newer]:
    known = {name.lower(): (name, since) for name, since in table("sshd-since")[""].items()}
    for line, name, _words in sshd_lines(text):
        if name in known:
            yield _Newer(line, *known[name])


def _newer(dated: Iterable[_Newer], version: str, release: Release) -> Iterator[_Newer]:
    """The settings that are newer than a version; none if the version is not known."""
    for one in dated if version else ():
        if version_key(one.since) > version_key(version) and one.name not in release.backports:
            yield one


def _remarks(
    path: Path, found: Iterable[_Newer], program: tuple[str, str, str], release: Release, source: LintInput
) -> Iterator[Problem]:
    """A warning for each setting. `program` is a name, a version, and what a setting that is too new does."""
    name, version, effect = program
    for one in found:
        setting = one.name if name == "OpenSSH" else f"{one.name}="
        message = f"{setting} was added in {name} {one.since}, and {release.name} has {name} {version}"
        hint = f"{effect}: leave it out, or choose a target with {name} {one.since} or newer"
        at = place_of_line(node_at(source.root, path), source, one.line)
        yield remark(path, "newer-setting", message, hint, at)
