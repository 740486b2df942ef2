"""Problems of the format and of YAML in the author's words, and at the place of the author's mistake.

The format's hints speak of JSON, and a problem of a unit's text points at the unit: here the hint says what to write in
YAML, and the place is the line inside the block.
"""

from __future__ import annotations

from provision.config.problems import Problem
from provision.config.reports.rule_ids import rule_of
from provision.config.rules.unit_text import BadUnit, sections_with_options
from transpiler.lint import syntax
from transpiler.lint.source import node_at, place_of_line
from transpiler.reading.tree import YamlNode


def for_author(problem: Problem, root: YamlNode | None, lines: list[str]) -> Problem:
    """The same problem with the place and the hint that help most."""
    if root is None:
        return syntax.explained(problem, lines)
    improve = _BY_RULE.get(rule_of(problem))
    return improve(problem, node_at(root, problem.path), lines) if improve else problem


def _in_unit(problem: Problem, node: YamlNode | None, lines: list[str]) -> Problem:
    hints = {
        "section": "a section stands alone on its line, in brackets: [Service]",
        "option": "write `Name=value`; a long value goes on in the next line behind a backslash",
        "EOF": "write `Name=value`",
        "line": "break the line with a backslash at its end",
    }
    hint = next((text for word, text in hints.items() if word in problem.message.partition(": ")[2]), "")
    try:
        sections_with_options(node.text if node else "")
    except BadUnit as error:
        return problem._replace(hint=hint, at=place_of_line(node, lines, error.line))
    return problem._replace(hint=hint)


_BY_RULE = {
    "unit-syntax": _in_unit,
}
