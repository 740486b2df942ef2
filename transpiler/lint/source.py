"""The input of lints, and places in it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from provision.config.problems import Path, Position, Problem
from transpiler.butane.variants import Variant
from transpiler.reading.yaml_node import YamlNode
from transpiler.releases.table import Release


class LintInput(NamedTuple):
    """An author's text as lines, tree and record. `files_dir` is empty if there is no files directory.

    `lines` are those of the text (its name is "") and of the files that it has parts from, by the names in places.
    `root` is None if the text is not YAML; `record` is None if it names no variant, and
    that of a Container Linux Config has no variant either. `release` is the target, None without one. Lints add the
    local files that they read to `local_files`, by their paths.
    """

    lines: dict[str, list[str]]
    root: YamlNode | None
    record: Any
    variant: Variant
    files_dir: str
    local_files: dict[str, bytes]
    release: Release | None = None

    def line(self, at: Position | None) -> str:
        """The line of a place; empty if there is no such line."""
        own = self.lines.get(at.file, []) if at is not None else []
        return own[at.line - 1] if at is not None and 0 < at.line <= len(own) else ""

    def starts_with(self, node: YamlNode, letter: str) -> bool:
        """Whether the first character of a node in its file, after its tag, is this one, such as `|` for a block."""
        return re.sub(r"^!\S+ +", "", self.line(node.at)[node.column - 1 :])[:1] == letter

    def starts_with_tag(self, node: YamlNode, tag: str) -> bool:
        """Whether a node has this tag in its file, such as `!secret`, whatever the tag became."""
        return re.match(rf"{re.escape(tag)}(?!\S)", self.line(node.at)[node.column - 1 :]) is not None


def remark(path: Path, rule: str, message: str, hint: str = "", at: Position | None = None) -> Problem:
    """A warning of the rule `rule`. Without `at`, its place is that of `path`."""
    return Problem(path, message, fatal=False, hint=hint, at=at, rule=rule)


def node_at(root: YamlNode | None, path: Path) -> YamlNode | None:
    """The node at a path; None if the text has none. Nodes that an alias or a merge key brings do not count."""
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


def place_of_line(node: YamlNode | None, source: LintInput, number: int) -> Position | None:
    """The place of line `number` (from 0) of the text of a block scalar (`|`); None for any other node."""
    if node is None or node.kind != "scalar" or not source.starts_with(node, "|"):
        return None
    at = node.line + 1 + number
    if at > len(source.lines[node.file]):
        return None
    line = source.lines[node.file][at - 1]
    return Position(at, len(line) - len(line.lstrip(" ")) + 1, node.file)
