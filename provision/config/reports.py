"""Problems as people and machines read them: text with excerpts, JSON, GitHub annotations, SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from provision.config.model import Field, Record
from provision.config.problems import Position, Problem, dotted

EXCERPT_WIDTH = 100
_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "place": "\x1b[1m", "caret": "\x1b[1;32m"}
_PLAIN = "\x1b[0m"


class Finding(NamedTuple):
    """A problem of one source, with its place if it has one.

    `line` is the text of that line and `character` the place of the caret in it, from 0; for an excerpt.
    """

    source: str
    problem: Problem
    at: Position | None = None
    line: str = ""
    character: int = 0

    @property
    def place(self) -> str:
        """`file:line:column`, as far as known."""
        return f"{self.source}:{self.at.line}:{self.at.column}" if self.at else self.source

    @property
    def message(self) -> str:
        """The path, what is wrong there, and the likely fix, in one line."""
        problem = self.problem
        path = f"{dotted(problem.path)}: " if problem.path else ""
        hint = f" (hint: {problem.hint})" if problem.hint else ""
        return f"{path}{problem.message}{hint}"


def findings(source: str, raw: bytes, problems: Sequence[Problem]) -> list[Finding]:
    """Problems of a JSON text with their places, which are worked out here."""
    from provision.config.places import locate_all

    if not problems:
        return []
    text = raw.decode(errors="surrogateescape")
    places: Sequence[Position | None] = (
        locate_all(text, problems) if _readable(problems) else [one.at for one in problems]
    )
    lines = text.split("\n")
    return [_finding(source, problem, at, lines) for problem, at in zip(problems, places, strict=True)]


def _readable(problems: Sequence[Problem]) -> bool:
    """Whether the text could be read as JSON: else there is one problem, with its place, if it has any."""
    return any(problem.path for problem in problems)


def _finding(source: str, problem: Problem, at: Position | None, lines: Sequence[str]) -> Finding:
    if at is None or not 0 < at.line <= len(lines):
        return Finding(source, problem, at)
    line = lines[at.line - 1]
    return Finding(source, problem, at, line, _character(line, at.column))


def _character(line: str, column: int) -> int:
    """Which character of a line a byte column is, from 0."""
    if line.isascii():
        return column - 1
    return len(line.encode(errors="surrogateescape")[: column - 1].decode(errors="surrogateescape"))


def one_line(finding: Finding) -> str:
    """`site.ign:7:13: warning: storage.files[1].mode: illegal file mode (hint: 0644 is 420)`."""
    return f"{finding.place}: {finding.problem.severity}: {printable(finding.message)}"


def as_text(findings: Iterable[Finding], *, excerpts: bool = False, color: bool = False) -> str:
    """One line a finding, errors first; with `excerpts` also the source line and a caret."""
    ordered = sorted(findings, key=lambda finding: not finding.problem.fatal)
    lines = {line: _without_secrets(line.rstrip("\r\n")) for line in {one.line for one in ordered}} if excerpts else {}
    return "".join(
        _shown(finding, color) + (_excerpt(finding, lines[finding.line], color) if excerpts else "")
        for finding in ordered
    )


def _shown(finding: Finding, color: bool) -> str:
    if not color:
        return f"{one_line(finding)}\n"
    severity = finding.problem.severity
    place = f"{_COLORS['place']}{finding.place}:{_PLAIN}"
    return f"{place} {_COLORS[severity]}{severity}:{_PLAIN} {printable(finding.message)}\n"


def _excerpt(finding: Finding, line: str, color: bool) -> str:
    if not line.strip():
        return ""
    shown, caret = _window(line, finding.character)
    shown = _guarded(shown, caret, finding.problem)
    mark = f"{_COLORS['caret']}^{_PLAIN}" if color else "^"
    return f"    {shown}\n    {' ' * caret}{mark}\n"


def _window(line: str, caret: int) -> tuple[str, int]:
    """As much of a long line as fits around the caret, and the caret's place in that."""
    start = max(0, min(caret - EXCERPT_WIDTH // 2, len(line) - EXCERPT_WIDTH))
    shown = printable(line[start : start + EXCERPT_WIDTH].replace("\t", " "))
    return shown, caret - start


def printable(text: str) -> str:
    """Control characters of a hostile config do not reach the terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _guarded(shown: str, caret: int, problem: Problem) -> str:
    """An excerpt without what is at the caret, if that is the value of a secret field, or of one that nobody knows."""
    names = [part for part in problem.path if isinstance(part, str)]
    if problem.on_key:
        caret = shown.find(":", caret) % (len(shown) + 1)
    elif not names or names[-1] not in _names()[0]:
        return shown
    return shown[:caret] + re.sub(r"[^\s\"'\[\]{}:,]", "*", shown[caret:])


def _without_secrets(line: str) -> str:
    """A source line with values that are or may be secrets as asterisks, every character in its place.

    In JSON every text of a key that is not known to be harmless may be one (a misspelled `passwordHash` is unknown), or
    of a list behind such a key; in YAML, those of secret fields.
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


_TEXT = r'"(?:[^"\\]|\\.)*"?'
_ENTRY = rf"""\"([^"\\]*)"\s*:\s*({_TEXT})?|([\w-]+)\s*:\s*({_TEXT}|[^"\s\[{{][^\n]*)|({_TEXT})"""


@cache
def _names() -> tuple[set[str], set[str]]:
    """The names of secret fields, in JSON and YAML, and the JSON names of all others."""
    from provision.config.format import Config

    fields = list(_fields(Config))
    secret = {"inline"}.union(*({field.json, field.name} for field in fields if field.secret))
    return secret, {field.json for field in fields} - secret


def _fields(record: type[Record]) -> Iterator[Field]:
    for field in record.FIELDS:
        yield field
        if field.record is not None:
            yield from _fields(field.record)


def _hidden(value: str) -> str:
    """A value as asterisks; of a URL with a host the scheme, host and path stay."""
    match = re.match(r"(['\"]?[a-z0-9]+://)([^/?#'\"@]*@)?([^?#'\"]*)", value)
    if match is None:
        return re.sub(r"[^'\"]", "*", value)
    kept = match[1] + "*" * len(match[2] or "") + match[3]
    return kept + re.sub(r"[^'\"]", "*", value[match.end() :])


def report(source: str, raw: bytes, problems: Sequence[Problem], *, color: bool = False) -> str:
    """Everything that is wrong with a JSON text, as text with excerpts."""
    return as_text(findings(source, raw, problems), excerpts=True, color=color)


def as_json(findings: Iterable[Finding]) -> str:
    """A list of objects, one a finding."""
    import json

    return json.dumps([_plain(finding) for finding in findings], indent=2, ensure_ascii=False) + "\n"


def _plain(finding: Finding) -> dict[str, Any]:
    problem = finding.problem
    return {
        "file": finding.source,
        "line": finding.at.line if finding.at else None,
        "column": finding.at.column if finding.at else None,
        "severity": problem.severity,
        "path": list(problem.path),
        "message": problem.message,
        "hint": problem.hint,
    }


def as_github(findings: Iterable[Finding]) -> str:
    """Workflow commands that annotate a pull request."""
    return "".join(
        f"::{finding.problem.severity} {_properties(finding)}::{_data(finding.message)}\n" for finding in findings
    )


def _properties(finding: Finding) -> str:
    values = {"file": finding.source}
    if finding.at:
        values |= {"line": str(finding.at.line), "col": str(finding.at.column)}
    return ",".join(f"{name}={_data(value).replace(':', '%3A').replace(',', '%2C')}" for name, value in values.items())


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def as_sarif(findings: Sequence[Finding], version: str, tool: str = "provision validate") -> str:
    """A SARIF 2.1.0 log with one run; a rule for each message, its digits left out."""
    import json

    rules = list(dict.fromkeys(_rule_name(finding.problem) for finding in findings))
    driver = {
        "name": tool,
        "version": version,
        "rules": [{"id": name} for name in rules],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, rules) for finding in findings],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule_name(problem: Problem) -> str:
    """A stable name for what a message is about: `unused-key`, `path-not-absolute`."""
    if problem.on_key:
        return "unused-key"
    words = re.findall(r"[a-z]+", problem.message.lower().partition(":")[0].partition('"')[0])
    return "-".join(words[:8]) or "problem"


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    from urllib.parse import quote

    name = _rule_name(finding.problem)
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.source)}}
    if finding.at:
        place["region"] = {"startLine": finding.at.line, "startColumn": finding.character + 1}
    return {
        "ruleId": name,
        "ruleIndex": rules.index(name),
        "level": finding.problem.severity,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
    }
