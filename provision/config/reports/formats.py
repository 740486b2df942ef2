"""Findings for programs: JSON, GitHub annotations and job summaries, GitLab code quality, SARIF, JUnit."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from provision.config.reports.findings import Finding, escaped
from provision.config.reports.text import one_line


def as_json(findings: Iterable[Finding]) -> str:
    """A list of objects, one for each finding."""
    import json

    return json.dumps([_plain(finding) for finding in findings], indent=2, ensure_ascii=False) + "\n"


def _plain(finding: Finding) -> dict[str, Any]:
    problem = finding.problem
    return {
        "file": finding.file,
        "line": finding.at.line if finding.at else None,
        "column": finding.at.column if finding.at else None,
        "severity": problem.severity,
        "rule": finding.rule,
        "path": list(problem.path),
        "message": problem.message,
        "hint": problem.hint,
    }


def as_github(findings: Iterable[Finding]) -> str:
    """Workflow commands that annotate a pull request."""
    return "".join(
        f"::{finding.problem.severity} {_properties(finding)}::{_data(finding.message)} [{finding.rule}]\n"
        for finding in findings
    )


def _properties(finding: Finding) -> str:
    values = {"file": finding.file}
    if finding.at:
        values |= {"line": str(finding.at.line), "col": str(finding.at.column)}
    return ",".join(f"{name}={_data(value).replace(':', '%3A').replace(',', '%2C')}" for name, value in values.items())


def _data(text: str) -> str:
    shown = "".join(letter if letter.isprintable() or letter in "\r\n" else "\ufffd" for letter in text)
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def as_gitlab(findings: Iterable[Finding]) -> str:
    """A code quality report for GitLab: a list of objects. Source: docs.gitlab.com, "Code Quality report format".

    A fingerprint tells whether a later run has the same finding. It has no line, so it stays when lines move. Findings
    that differ only in their lines have different ones, because GitLab shows one finding for each fingerprint.
    """
    import json

    seen: Counter[str] = Counter()
    return json.dumps([_quality(one, seen) for one in findings], indent=2, ensure_ascii=False) + "\n"


def _quality(finding: Finding, seen: Counter[str]) -> dict[str, Any]:
    from hashlib import sha256

    same = f"{finding.file}\0{finding.rule}\0{finding.message}"
    seen[same] += 1
    name = f"{same}\0{seen[same]}"
    return {
        "description": finding.message,
        "check_name": finding.rule,
        "fingerprint": sha256(name.encode(errors="backslashreplace")).hexdigest(),
        "severity": "major" if finding.problem.fatal else "minor",
        "location": {"path": os.path.normpath(finding.file), "lines": {"begin": finding.at.line if finding.at else 1}},
    }


MOST_ROWS = 500
"""The number of findings in a job summary. GitHub takes at most 1 MiB."""


def as_summary(findings: Sequence[Finding], verdict: str) -> str:
    """A job summary for GitHub: a verdict and a table in Markdown."""
    rows = [
        f"| {_cell(one.place)} | {one.problem.severity} | {_cell(one.message)} | {_cell(one.rule)} |\n"
        for one in findings[:MOST_ROWS]
    ]
    head = "| place | severity | finding | rule |\n|---|---|---|---|\n" if rows else ""
    more = f"\n{len(findings) - MOST_ROWS} more\n" if len(findings) > MOST_ROWS else ""
    return f"### transpile check\n\n{verdict}\n\n{head}{''.join(rows)}{more}\n"


def _cell(text: str) -> str:
    """A text in a cell of a table, with the special characters of Markdown and HTML escaped."""
    cut = text if len(text) <= _CELL else f"{text[:_CELL]}..."
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in cut)
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~$@&-])", lambda match: f"&#{ord(match[1])};", shown)


_CELL = 300


def as_sarif(findings: Sequence[Finding], version: str, tool: str = "provision validate") -> str:
    """A SARIF 2.1.0 log with one run."""
    import json

    rules = list(dict.fromkeys(finding.rule for finding in findings))
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


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    from urllib.parse import quote

    name = finding.rule
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(os.fsencode(finding.source))}}
    if finding.at:
        place["region"] = {"startLine": finding.at.line, "startColumn": finding.character + 1}
    return {
        "ruleId": name,
        "ruleIndex": rules.index(name),
        "level": finding.problem.severity,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
    }


class FileResult(NamedTuple):
    """The result for one file: its findings, and the reason why it is not valid (empty if it is valid)."""

    name: str
    findings: Sequence[Finding]
    error: str


def as_junit(results: Sequence[FileResult], tool: str) -> str:
    """A JUnit XML report: one test case for each file; it fails if the file is not valid."""
    failures = sum(bool(one.error) for one in results)
    counts = f'tests="{len(results)}" failures="{failures}" errors="0"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuite name="{tool}" {counts}>']
    lines += (_test_case(one, tool.partition(" ")[0]) for one in results)
    return "\n".join((*lines, "</testsuite>", ""))


def _test_case(result: FileResult, program: str) -> str:
    from xml.sax.saxutils import escape, quoteattr

    text = escape(_xml("\n".join(map(one_line, result.findings))))
    kind = "failure" if result.error else "system-out"
    message = f" message={quoteattr(_xml(result.error))}" if result.error else ""
    inner = f"<{kind}{message}>{text}</{kind}>" if result.findings or result.error else ""
    return f'  <testcase classname="{program}" name={quoteattr(_xml(escaped(result.name)))}>{inner}</testcase>'


def _xml(text: str) -> str:
    """A text without characters that XML cannot have."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
