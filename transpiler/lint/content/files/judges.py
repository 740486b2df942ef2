"""Lints about the contents of files that a program of the machine reads: the path tells which program."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from provision.config.problems import Path, Problem
from transpiler.lint.accounts import wrong_key
from transpiler.lint.content.files.keyfiles import keyfile
from transpiler.lint.content.files.links import locale
from transpiler.lint.content.files.network_files import network_file
from transpiler.lint.content.files.sshd import sshd_settings
from transpiler.lint.content.files.sudoers import sudoers
from transpiler.lint.content.files.wrong_lines import WrongLine
from transpiler.lint.source import LintInput, node_at, place_of_line, remark


def _authorized_keys(_name: str, text: str) -> Iterator[WrongLine]:
    for number, line in enumerate(text.split("\n")):
        wrong = wrong_key(line.strip())
        if wrong:
            yield WrongLine(number, "ssh-key", *wrong)


class Reader(NamedTuple):
    """A program that reads files: the form of their paths, and the function that judges their text."""

    paths: re.Pattern[str]
    judge: Callable[[str, str], Iterator[WrongLine]]


READERS = (
    Reader(re.compile(r"/(?:etc|run|usr/lib)/systemd/network/[^/]+\.(?:network|netdev|link)"), network_file),
    Reader(re.compile(r"/etc/systemd/network/[^/]+\.(?:network|netdev|link)\.d/[^/]+\.conf"), network_file),
    Reader(re.compile(r"/etc/NetworkManager/system-connections/[^/]+"), keyfile),
    Reader(re.compile(r"/etc/sudoers(?:\.d/[^/.]+)?"), sudoers),
    Reader(re.compile(r"/etc/ssh/sshd_config(?:\.d/[^/]+\.conf)?"), sshd_settings),
    Reader(
        re.compile(r"/(?:var/)?(?:home/[^/]+|root|roothome)/\.ssh/authorized_keys(?:\.d/[^/.][^/]*)?"), _authorized_keys
    ),
    Reader(re.compile(r"/etc/locale\.conf"), locale),
)


def file_contents(source: LintInput) -> Iterator[Problem]:
    """Warnings about the texts of files that a known program reads, of inline contents only."""
    for path, name, text in texts(source):
        reader = next((one for one in READERS if one.paths.fullmatch(name)), None)
        if reader is not None and "{{" not in text and "{%" not in text:
            node = node_at(source.root, path)
            for one in reader.judge(name, text):
                at = place_of_line(node, source, one.line)
                where = "" if at or "\n" not in text.strip() else f"line {one.line + 1}: "
                yield remark(path, one.rule, f"{where}{one.message}", one.hint, at)


def texts(source: LintInput) -> Iterator[tuple[Path, str, str]]:
    """The path of each text in the config, the name of its file on the machine, and the text."""
    for index, file in enumerate(source.record.storage.files):
        inline = getattr(file.contents, "inline", None)
        if inline:
            yield ("storage", "files", index, "contents", "inline"), file.path, inline
    networkd = getattr(source.record, "networkd", None)
    for index, unit in enumerate(getattr(networkd, "units", ())):
        if unit.contents:
            yield ("networkd", "units", index, "contents"), f"/etc/systemd/network/{unit.name}", unit.contents
