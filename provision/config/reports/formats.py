"""Findings for programs: JSON, GitHub annotations, SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from provision.config.problems import Problem
from provision.config.reports.findings import Finding


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
