"""All findings of `transpile check` with the part of the text that an editor underlines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from provision.config.problems import Path, Position, Problem
from provision.config.reports.findings import Finding
from provision.config.reports.rule_ids import rule_of
from transpiler.editor.document import OpenDocument, TextRange, node_span
from transpiler.reading.yaml_node import YamlNode


class Diagnostic(NamedTuple):
    """A problem, its part of the text, and its message with the hint on a second line."""

    problem: Problem
    span: TextRange
    message: str

    @property
    def rule(self) -> str:
        """The name of the rule."""
        return rule_of(self.problem)


def diagnostics(document: OpenDocument) -> list[Diagnostic]:
    """The findings in the order of a report: errors first."""
    findings = document.findings()
    scalars = dict(_scalars(document.root)) if findings else {}
    found = [Diagnostic(one.problem, _span(one, scalars, document), _message(one)) for one in findings]
    return sorted(found, key=lambda one: not one.problem.fatal)


def _message(finding: Finding) -> str:
    problem = finding.problem
    where = f"{finding.place}: " if finding.at is not None and finding.at.file else ""
    return f"{where}{problem.message}\nhint: {problem.hint}" if problem.hint else f"{where}{problem.message}"


def _scalars(root: YamlNode | None) -> Iterator[tuple[Position, YamlNode]]:
    """Every scalar and key of the text by its place."""
    waiting = [root] if root else []
    while waiting:
        node = waiting.pop()
        if node.kind == "mapping":
            waiting.extend(part for pair in node.items for part in pair)
        elif node.kind == "sequence":
            waiting.extend(node.items)
        elif node.kind == "scalar" and not node.file:
            yield node.at, node


def _place_of_include(root: YamlNode | None, path: Path) -> Position | None:
    """The key, in the text itself, whose value another file has; None if there is none."""
    node, found = root, None
    for part in path:
        if node is None or node.file:
            break
        if node.kind == "mapping" and isinstance(part, str):
            pair = next(((key, value) for key, value in reversed(node.items) if key.text == part), None)
            found, node = (pair[0].at, pair[1]) if pair else (found, None)
        elif node.kind == "sequence" and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            found = found if node.file else node.at
        else:
            break
    return found


def _span(finding: Finding, scalars: dict[Position, YamlNode], document: OpenDocument) -> TextRange:
    at = finding.at
    if at is not None and at.file:
        at = _place_of_include(document.root, finding.problem.path)
    if at is None:
        return TextRange(Position(1, 1), Position(1, len(document.line(1)) + 1))
    node = scalars.get(at)
    if node is not None:
        return node_span(node, document.lines)
    rest = document.line(at.line)[at.column - 1 :]
    word = re.match(r"\[[^\]]*\]|\S+", rest)
    return TextRange(at, Position(at.line, at.column + (word.end() if word else 1)))
