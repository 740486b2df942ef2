"""Rules of sudo. Source: sudoers(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.files.visudo import complaints_of_visudo
from transpiler.lint.content.tables import listed
from transpiler.lint.content.wrong_lines import WrongLine

_TAGS = [
    "EXEC",
    "NOEXEC",
    "FOLLOW",
    "NOFOLLOW",
    "INTERCEPT",
    "NOINTERCEPT",
    "LOG_INPUT",
    "NOLOG_INPUT",
    "LOG_OUTPUT",
    "NOLOG_OUTPUT",
    "MAIL",
    "NOMAIL",
    "PASSWD",
    "NOPASSWD",
    "SETENV",
    "NOSETENV",
]

_OPTIONS = {
    "ROLE",
    "TYPE",
    "PRIVS",
    "LIMITPRIVS",
    "APPARMOR_PROFILE",
    "NOTBEFORE",
    "NOTAFTER",
    "TIMEOUT",
    "CWD",
    "CHROOT",
}

_BEFORE_COMMAND = re.compile(rf"^(?:(?:{'|'.join(_TAGS)})\s*:\s*|(?:{'|'.join(_OPTIONS)})=\S+\s+)+")

_ALIASES = ("User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias", "Cmd_Alias")


def sudoers(_name: str, text: str) -> Iterator[WrongLine]:
    """What sudo would refuse in a file of rules. One such line makes sudo skip the rest of it, or stop.

    visudo is asked about a text in which nothing is found, if it is installed.
    """
    found = False
    for number, line in _lines(text):
        wrong = _wrong(line)
        if wrong:
            found = True
            yield WrongLine(number, "sudoers", f"sudo refuses this line: {wrong[0]}", wrong[1])
    if not found and "${" not in text:
        for number, complaint in complaints_of_visudo(text):
            option = re.search(r'unknown defaults entry "(.*)"', complaint)
            if not (option and option[1] in listed("sudoers")):  # an old visudo does not know new options
                yield WrongLine(number, "sudoers", f"visudo refuses this line: {complaint}", "see sudoers(5)")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The number of the first line of each rule, and the rule. `#` begins a comment, but for `#include` and ids."""
    before, first = "", 0
    for number, line in enumerate(text.split("\n")):
        first = first if before else number
        whole = before + line
        if whole.endswith("\\"):
            before = whole[:-1]
            continue
        before = ""
        if not re.match(r"\s*#(include|includedir)\b|\s*#\d", whole):
            whole = re.sub(r"(?<!\\)#(?!\d).*", "", whole) if '"' not in whole else whole
        if whole.strip() and not re.match(r"\s*#(?!\d|include)", whole):
            yield first, whole.strip()


def _wrong(line: str) -> tuple[str, str] | None:
    if "${" in line or "{{" in line:
        return None
    first = re.split(r"[\s@:>!]", line, maxsplit=1)[0]
    if re.match(r"[#@](include|includedir)\s+\S", line) or first == "Defaults":
        return _wrong_option(line)
    if first.startswith("@"):
        return (
            f"there is no such directive{did_you_mean(first, ['@include', '@includedir'])}",
            "write @include or @includedir",
        )
    if re.match(r"\w+_Alias\b", line):
        return _wrong_alias(line, first)
    if "=" not in line:
        near = did_you_mean(first, ["Defaults", *_ALIASES]).strip(" ()")
        return (
            "a rule has an equals sign between hosts and commands",
            near or "write, for example, `core ALL=(ALL) NOPASSWD: ALL`",
        )
    return _wrong_rule(line)


def _wrong_option(line: str) -> tuple[str, str] | None:
    """Why a line with `Defaults` is wrong: it has an option that sudo does not know."""
    plain = re.sub(r'"(?:\\.|[^"\\])*"|\\.', "x", line)
    options = re.fullmatch(r"Defaults(?:[@:>!][^\s,]+)?\s+(.*)", plain)
    for option in options[1].split(",") if options else ():
        name = re.match(r"[!\s]*([A-Za-z]\w*)\s*(?:$|[-+]?=)", option)
        if name and name[1] not in listed("sudoers"):
            near = did_you_mean(name[1], listed("sudoers")).strip(" ()")
            return f"there is no option {name[1][:40]}", near or "see sudoers(5)"
    return None


def _wrong_alias(line: str, first: str) -> tuple[str, str] | None:
    if first not in _ALIASES:
        return "there is no such kind of alias", did_you_mean(first, _ALIASES).strip(" ()") or "write Cmnd_Alias"
    if not re.match(r"\w+\s+[A-Z][A-Z0-9_]*\s*=\s*\S", line):
        return (
            "an alias is a name in capital letters, an equals sign, and its members",
            "write Cmnd_Alias NAME = /bin/true",
        )
    return None


def _wrong_rule(line: str) -> tuple[str, str] | None:
    """Why a rule `user host = (runas) TAG: command` is wrong."""
    who, _, rest = line.partition("=")
    if len(re.split(r"\s+", re.sub(r"\s*,\s*", ",", re.sub(r'"(?:\\.|[^"\\])*"|\\.', "x", who.strip())))) < 2:
        return "a rule begins with a user and a host", "write, for example, `core ALL=(ALL) ALL`"
    rest = re.sub(r"\\.", "x", rest).strip()
    if rest.count("(") != rest.count(")"):
        return "a parenthesis is not closed", "write, for example, (ALL) or (root)"
    command = re.sub(r"^\([^)]*\)\s*", "", rest)
    return _wrong_command(command) if command else ("the rule has no command", "write ALL, or the path of a program")


def _wrong_command(command: str) -> tuple[str, str] | None:
    """Why `TAG: command` is wrong. Only the first command of several is compared, but the tags of all."""
    for tag in re.findall(r"(?:^|[\s,])([A-Z][A-Z_]+)\s*:(?![^,]*=)", command):
        if tag not in _TAGS:
            near = did_you_mean(tag, _TAGS).strip(" ()")
            return f"there is no tag {tag}", near or "write NOPASSWD: or another tag of sudoers(5)"
    word = _BEFORE_COMMAND.sub("", command).lstrip("! ")
    if re.match(rf"({'|'.join(_TAGS)})\b(?!\s*:)", word):
        return "a colon is missing after a tag", f"write {word.split()[0]}:"
    if not re.match(r"/|[A-Z][A-Z0-9_]*\b|sudoedit\b|list\b|sha\d+:|\^|\"|%", word):
        return "a command is an absolute path, ALL or an alias", "write the absolute path of the program"
    return None
