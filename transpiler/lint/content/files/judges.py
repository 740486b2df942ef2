"""Lints about the contents of files that a program of the machine reads: the path tells which program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from provision.config.problems import Problem
from transpiler.lint.accounts import wrong_key
from transpiler.lint.content.files.keyfiles import keyfile
from transpiler.lint.content.files.links import locale
from transpiler.lint.content.files.network_files import network_file
from transpiler.lint.content.files.sshd import sshd_settings
from transpiler.lint.content.files.sudoers import sudoers
from transpiler.lint.content.files.systemd_settings import systemd_settings
from transpiler.lint.content.files.tmpfiles import sysusers, tmpfiles
from transpiler.lint.content.kinds import kind_of
from transpiler.lint.content.texts import MOST_IN_A_TEXT, machine_texts
from transpiler.lint.content.wrong_lines import WrongLine
from transpiler.lint.source import LintInput


def _authorized_keys(_name: str, text: str) -> Iterator[WrongLine]:
    for number, line in enumerate(text.split("\n")):
        wrong = wrong_key(line.strip())
        if wrong:
            yield WrongLine(number, "ssh-key", *wrong)


JUDGES: Mapping[str, Callable[[str, str], Iterator[WrongLine]]] = {
    "network": network_file,
    "settings": systemd_settings,
    "tmpfiles": tmpfiles,
    "sysusers": sysusers,
    "keyfile": keyfile,
    "sudoers": sudoers,
    "sshd": sshd_settings,
    "keys": _authorized_keys,
    "locale": locale,
}
"""The reader of a file -> the function that judges its text; units and quadlets have lints of their own."""


def file_contents(source: LintInput) -> Iterator[Problem]:
    """Warnings about the texts of files that a known program reads."""
    for one in machine_texts(source, lambda name: kind_of(name).reader in JUDGES):
        if "{{" not in one.text and "{%" not in one.text:
            judge = JUDGES[kind_of(one.name).reader]
            for wrong in islice(judge(one.name, one.text), MOST_IN_A_TEXT):
                yield one.remark(source, wrong)
