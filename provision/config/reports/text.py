"""Problems as text for people: one line each, with the source line and a caret where that is wanted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TextIO

from provision.config.model import Field, Record
from provision.config.problems import Problem
from provision.config.reports.findings import Finding, findings


def takes_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal with colours, and the user has not turned colours off (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


EXCERPT_WIDTH = 100
"""The most characters of a line that are shown."""

_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "place": "\x1b[1m", "caret": "\x1b[1;32m", "rule": "\x1b[2m"}

_PLAIN = "\x1b[0m"


def one_line(finding: Finding) -> str:
    """One finding as a line: `site.ign:7:13: warning: storage.files[1].mode: illegal file mode (hint: 0644 is 420)
    [illegal-mode]`.
    """
    return f"{finding.place}: {finding.problem.severity}: {printable(finding.message)} [{finding.rule}]"


def as_text(findings: Iterable[Finding], *, excerpts: bool = False, color: bool = False) -> str:
    """One line for each finding, errors first; with `excerpts` also the source line and a caret."""
    ordered = sorted(findings, key=lambda finding: not finding.problem.fatal)
    unmasked = {one.line for one in ordered if excerpts and not one.masked}
    lines = {line: _without_secrets(line.rstrip("\r\n")) for line in unmasked}
    return "".join(
        _shown(finding, color) + (_excerpt(finding, lines.get(finding.line, finding.line), color) if excerpts else "")
        for finding in ordered
    )


def _shown(finding: Finding, color: bool) -> str:
    if not color:
        return f"{one_line(finding)}\n"
    severity = finding.problem.severity
    place = f"{_COLORS['place']}{finding.place}:{_PLAIN}"
    rule = f"{_COLORS['rule']}[{finding.rule}]{_PLAIN}"
    return f"{place} {_COLORS[severity]}{severity}:{_PLAIN} {printable(finding.message)} {rule}\n"


def _excerpt(finding: Finding, line: str, color: bool) -> str:
    if not line.strip():
        return ""
    shown, caret = _window(line, finding.character)
    if not finding.masked:
        shown = _guarded(shown, caret, finding.problem)
    mark = f"{_COLORS['caret']}^{_PLAIN}" if color else "^"
    return f"    {shown}\n    {' ' * caret}{mark}\n"


def _window(line: str, caret: int) -> tuple[str, int]:
    """The part of a long line that fits around the caret, and the index of the caret in that part."""
    start = max(0, min(caret - EXCERPT_WIDTH // 2, len(line) - EXCERPT_WIDTH))
    shown = printable(line[start : start + EXCERPT_WIDTH].replace("\t", " "))
    return shown, caret - start


def printable(text: str) -> str:
    """The text with U+FFFD in place of control characters, so that a hostile config cannot control the terminal."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _guarded(shown: str, caret: int, problem: Problem) -> str:
    """An excerpt without the value at the caret, if its field is secret or unknown."""
    names = [part for part in problem.path if isinstance(part, str)]
    if problem.on_key:
        caret = shown.find(":", caret) % (len(shown) + 1)
    elif not names or names[-1] not in _names()[0]:
        return shown
    return shown[:caret] + re.sub(r"[^\s\"'\[\]{}:,]", "*", shown[caret:])


def _without_secrets(line: str) -> str:
    """A source line with asterisks in place of values that are or may be secrets; no other character moves.

    In JSON a text, or a list of texts, may be a secret unless its key is a known field that is not secret (a misspelled
    `passwordHash` is unknown). In YAML only the values of secret fields are masked.
    """
    secret, harmless = _names()
    last = ""

    def shown(entry: re.Match[str]) -> str:
        nonlocal last
        quoted, text, bare, rest, listed = entry.groups()
        last = last if quoted is None else quoted
        if bare not in secret if bare else last in harmless:
            return entry[0]
        value = text or rest or listed or ""
        return entry[0].removesuffix(value) + _hidden(value)

    return re.sub(_ENTRY, shown, line)


_TEXT = r'"(?:[^"\\]++|\\.)*+"?'

_ENTRY = rf"""\"([^"\\]*)"\s*:\s*({_TEXT})?|([\w-]+)\s*:\s*({_TEXT}|[^"\s\[{{][^\n]*)|({_TEXT})"""


@cache
def _names() -> tuple[set[str], set[str]]:
    """The names of secret fields, in JSON and YAML, and the JSON names of all others."""
    from provision.config.format import Config

    fields = list(_fields(Config))
    secret = {"inline"}.union(*({field.json, field.name} for field in fields if field.secret))
    of_old_versions = {"filesystem"}  # a name, of files in versions 1 and 2.x; the only text that later ones lack
    return secret, {field.json for field in fields} - secret | of_old_versions


def _fields(record: type[Record]) -> Iterator[Field]:
    for field in record.FIELDS:
        yield field
        if field.record is not None:
            yield from _fields(field.record)


def _hidden(value: str) -> str:
    """A value as asterisks. A URL with a host keeps its scheme, host and path."""
    match = re.match(r"(['\"]?[a-z0-9]+://)([^/?#'\"@]*@)?([^?#'\"]*)", value)
    if match is None:
        return _asterisks(value)
    kept = match[1] + "*" * len(match[2] or "") + match[3]
    return kept + _asterisks(value[match.end() :])


def _asterisks(value: str) -> str:
    """As many asterisks as the value has characters; quotes stay."""
    return re.sub(r"[^'\"]+", lambda run: "*" * len(run[0]), value)


def report(source: str, raw: bytes, problems: Sequence[Problem], *, color: bool = False) -> str:
    """Everything that is wrong with a JSON text, as text with excerpts."""
    return as_text(findings(source, raw, problems), excerpts=True, color=color)
