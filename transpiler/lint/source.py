"""What a lint looks at, and the places in it."""

from __future__ import annotations

from typing import Any, NamedTuple

from provision.config.problems import Path, Position, Problem
from transpiler.butane.variants import Variant
from transpiler.reading.yaml_node import YamlNode


class LintInput(NamedTuple):
    """An author's text in every form: its bytes, lines, tree and record. `files_dir` is empty if there is none.

    Without `root` and `record` the text is no YAML, or names no variant.
    """

    raw: bytes
    lines: list[str]
    root: YamlNode | None
    record: Any
    variant: Variant
    files_dir: str


def remark(path: Path, rule: str, message: str, hint: str = "", at: Position | None = None) -> Problem:
    """A warning of a lint."""
    return Problem(path, message, fatal=False, hint=hint, at=at, rule=rule)


def node_at(root: YamlNode | None, path: Path) -> YamlNode | None:
    """The node at a path; None behind an alias or merge key, or where the text has nothing."""
    node = root
    for part in path:
        if node is None:
            return None
        if isinstance(part, int):
            node = node.items[part] if node.kind == "sequence" and part < len(node.items) else None
        elif node.kind == "mapping":
            node = next((value for key, value in reversed(node.items) if key.text == part), None)
        else:
            return None
    return node


def place_of_line(node: YamlNode | None, lines: list[str], number: int) -> Position | None:
    """Where line `number` (from 0) of a text stands that a block scalar (`|`) holds; None for any other text."""
    if node is None or node.kind != "scalar" or not 0 < node.line <= len(lines):
        return None
    if lines[node.line - 1][node.column - 1 : node.column] != "|":
        return None
    at = node.line + 1 + number
    if at > len(lines):
        return None
    line = lines[at - 1]
    return Position(at, len(line) - len(line.lstrip(" ")) + 1)
