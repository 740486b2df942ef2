"""Time zones and locales: links and files that name one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.problems import Path, Problem
from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.tables import listed
from transpiler.lint.content.wrong_lines import WrongLine
from transpiler.lint.source import LintInput, remark

_ZONES = "/usr/share/zoneinfo/"

_VARIABLES = [
    "LANG",
    "LANGUAGE",
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
    "LC_ALL",
]


def time_zones(source: LintInput) -> Iterator[Problem]:
    """Warnings about /etc/localtime: a link to no time zone, a hard link, or a file with a name."""
    for index, link in enumerate(source.record.storage.links):
        path: Path = ("storage", "links", index)
        if link.path == "/etc/localtime" and link.target and "$" not in link.target and "{{" not in link.target:
            yield from _zone(link.target, path)
    for index, file in enumerate(source.record.storage.files):
        if file.path == "/etc/localtime" and getattr(file.contents, "inline", None):
            message = "programs read /etc/localtime as data of a time zone; a text there is no time zone"
            hint = "write under storage.links: path: /etc/localtime, target: ../usr/share/zoneinfo/Europe/Berlin"
            yield remark(("storage", "files", index, "path"), "time-zone", message, hint)


def _zone(target: str, path: Path) -> Iterator[Problem]:
    name = re.sub(r"^(?:\.\./|/)usr/share/zoneinfo/(?:posix/)?", "", target)
    if name == target:
        hint = "write target: ../usr/share/zoneinfo/Europe/Berlin"
        yield remark((*path, "target"), "time-zone", "this link does not lead to a time zone", hint)
    elif name not in listed("timezones"):
        near = did_you_mean(name, listed("timezones")).strip(" ()")
        message = "there is no such time zone; programs use UTC then"
        yield remark((*path, "target"), "time-zone", message, near or "write a name such as Europe/Berlin")


def locale(_name: str, text: str) -> Iterator[WrongLine]:
    """What is wrong in /etc/locale.conf. Source: locale.conf(5)."""
    for number, line in enumerate(text.split("\n")):
        stripped = line.strip()
        if not stripped or stripped.startswith("#") or "$" in stripped:
            continue
        name, equals, value = stripped.partition("=")
        if not equals:
            message = "systemd ignores a line without `=` in locale.conf"
            yield WrongLine(number, "locale", message, "write LANG=en_US.UTF-8")
        elif name not in _VARIABLES:
            message = f"systemd ignores {name} in locale.conf"
            yield WrongLine(number, "locale", message, did_you_mean(name, _VARIABLES).strip(" ()") or "write LANG=...")
        elif name != "LANGUAGE":
            language = value.strip("\"'")
            base = re.sub(r"\.[\w-]+", "", language)
            if base not in listed("locales") | {"C", "POSIX", ""}:
                near = did_you_mean(base, listed("locales")).strip(" ()")
                yield WrongLine(number, "locale", "glibc has no such locale", near or "write, for example, en_US.UTF-8")
            elif re.search(r"\.(?=utf-?_?\d)(?!utf-?8(?:@|$))", language, re.IGNORECASE):
                hint = f"write {base.partition('@')[0]}.UTF-8"
                yield WrongLine(number, "locale", "glibc has no locale with this encoding", hint)
