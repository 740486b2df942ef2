"""Lints about the contents of files that a program of the machine reads: the path tells which program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from provision.config.problems import Problem
from transpiler.lint.content.kinds import kind_of
from transpiler.lint.content.texts import MOST_IN_A_TEXT, machine_texts
from transpiler.lint.content.wrong_lines import WrongLine
from transpiler.lint.source import LintInput

Judge = Callable[[str, str], Iterator[WrongLine]]
"""Takes the name and the text of a file."""

READERS = frozenset({"network", "settings", "tmpfiles", "sysusers", "keyfile", "sudoers", "sshd", "keys", "locale"})
"""The readers whose files are judged here; units and quadlets have lints of their own."""


def judge_of(reader: str) -> Judge:
    """The function that judges the files of one of READERS. Few configs need one: its module is loaded here."""
    judge: Judge = _authorized_keys
    match reader:
        case "network":
            from transpiler.lint.content.files.network_files import network_file

            judge = network_file
        case "settings":
            from transpiler.lint.content.files.systemd_settings import systemd_settings

            judge = systemd_settings
        case "tmpfiles":
            from transpiler.lint.content.files.tmpfiles import tmpfiles

            judge = tmpfiles
        case "sysusers":
            from transpiler.lint.content.files.tmpfiles import sysusers

            judge = sysusers
        case "keyfile":
            from transpiler.lint.content.files.keyfiles import keyfile

            judge = keyfile
        case "sudoers":
            from transpiler.lint.content.files.sudoers import sudoers

            judge = sudoers
        case "sshd":
            from transpiler.lint.content.files.sshd import sshd_settings

            judge = sshd_settings
        case "locale":
            from transpiler.lint.content.files.links import locale

            judge = locale
    return judge


def _authorized_keys(_name: str, text: str) -> Iterator[WrongLine]:
    from transpiler.lint.accounts import wrong_key

    for number, line in enumerate(text.split("\n")):
        wrong = wrong_key(line.strip())
        if wrong:
            yield WrongLine(number, "ssh-key", *wrong)


def file_contents(source: LintInput) -> Iterator[Problem]:
    """Warnings about the texts of files that a known program reads."""
    for one in machine_texts(source, lambda name: kind_of(name).reader in READERS):
        if "{{" not in one.text and "{%" not in one.text:
            judge = judge_of(kind_of(one.name).reader)
            for wrong in islice(judge(one.name, one.text), MOST_IN_A_TEXT):
                yield one.remark(source, wrong)
