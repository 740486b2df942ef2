"""Lint about settings that a program of the target does not know yet. Without a target, it says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from provision.config.problems import Problem
from transpiler.lint.content.ini import settings
from transpiler.lint.content.kinds import FileKind, kind_of
from transpiler.lint.content.tables import table
from transpiler.lint.content.texts import MachineText, machine_texts
from transpiler.lint.content.wrong_lines import WrongLine
from transpiler.lint.source import LintInput, remark
from transpiler.releases.table import Release, version_key

_FIRST_WITH_QUADLETS = "4.4"
"""Source: the release notes of podman."""


class _Newer(NamedTuple):
    """A setting in a line, from 0, and the version of a program that added it."""

    line: int
    name: str
    since: str


def newer_settings(source: LintInput) -> Iterator[Problem]:
    """Warnings about settings in units and in files of a known program, which the target's program does not know."""
    if source.release is not None:
        for text in machine_texts(source, lambda name: kind_of(name).reader):
            yield from _of_text(text, kind_of(text.name), source.release, source)


def _of_text(text: MachineText, kind: FileKind, release: Release, source: LintInput) -> Iterator[Problem]:
    if kind.reader == "network":
        which = "since/link" if kind.name.endswith("link") else "since/networkd"
        yield from _systemd(text, which, release, source)
    elif kind.reader == "unit":
        yield from _systemd(text, "since/units", release, source)
    elif kind.reader == "quadlet":
        yield from _systemd(text, "since/units", release, source)
        yield from _quadlet(text, release, source)
    elif kind.reader == "keyfile":
        program = ("NetworkManager", release.networkmanager, "the target ignores it")
        yield from _remarks(text, _keyfile(text.text), program, release, source)
    elif kind.reader == "sshd":
        program = ("OpenSSH", release.openssh, "sshd does not start")
        yield from _remarks(text, _sshd(text.text), program, release, source)


def _systemd(text: MachineText, which: str, release: Release, source: LintInput) -> Iterator[Problem]:
    """Settings that the target's systemd ignores."""
    program = ("systemd", str(release.systemd), "the target ignores it")
    return _remarks(text, _dated(text.text, which), program, release, source)


def _quadlet(text: MachineText, release: Release, source: LintInput) -> Iterator[Problem]:
    """Settings for which the target's podman refuses a quadlet."""
    if release.podman and version_key(release.podman) < version_key(_FIRST_WITH_QUADLETS):
        message = f"quadlets need podman {_FIRST_WITH_QUADLETS}, and {release.name} has podman {release.podman}"
        yield remark(text.path, "newer-setting", message, "write a unit that starts podman")
        return
    program = ("podman", release.podman, "the target refuses the quadlet")
    yield from _remarks(text, _dated(text.text, "since/quadlets"), program, release, source)


def _dated(text: str, which: str) -> Iterator[_Newer]:
    """The settings of a text whose version a table has."""
    for one in settings(text):
        since = table(which).get(one.section, {}).get(one.name)
        if since:
            yield _Newer(one.line, one.name, since)


def _keyfile(text: str) -> Iterator[_Newer]:
    from transpiler.lint.content.files.keyfiles import OTHER_NAMES

    for one in settings(text, ("#",), continues=False):
        since = table("since/keyfile").get(OTHER_NAMES.get(one.section, one.section), {}).get(one.name)
        if since:
            yield _Newer(one.line, one.name, since)


def _sshd(text: str) -> Iterator[_Newer]:
    from transpiler.lint.content.files.sshd import sshd_lines

    known = {name.lower(): (name, since) for name, since in table("since/sshd")[""].items()}
    for line, name, _words in sshd_lines(text):
        if name in known:
            yield _Newer(line, *known[name])


def _newer(dated: Iterable[_Newer], version: str, release: Release) -> Iterator[_Newer]:
    """The settings that are newer than a version; none if the version is not known."""
    for one in dated if version else ():
        if version_key(one.since) > version_key(version) and one.name not in release.backports:
            yield one


def _remarks(
    text: MachineText, dated: Iterable[_Newer], program: tuple[str, str, str], release: Release, source: LintInput
) -> Iterator[Problem]:
    """A warning for each setting. `program` is a name, a version, and what a setting that is too new does."""
    name, version, effect = program
    for one in _newer(dated, version, release):
        setting = one.name if name == "OpenSSH" else f"{one.name}="
        message = f"{setting} was added in {name} {one.since}, and {release.name} has {name} {version}"
        hint = f"{effect}: leave it out, or choose a target with {name} {one.since} or newer"
        yield text.remark(source, WrongLine(one.line, "newer-setting", message, hint))
