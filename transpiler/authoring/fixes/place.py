"""A problem at its place in the text, and the edits that write another value or another word there."""

from __future__ import annotations

import re
from typing import NamedTuple

from provision.config.problems import Problem
from transpiler.authoring.text_edits import Edit
from transpiler.reading.yaml_node import YamlNode


class Place(NamedTuple):
    """A problem, the root of the config and the node of the problem (None if there is none), and the lines of its file.

    `file` is the name of the file in places, empty for the text itself.
    """

    problem: Problem
    root: YamlNode | None
    node: YamlNode | None
    lines: list[str]
    file: str = ""
    line_break: str = "\n"

    @property
    def line(self) -> str:
        """The line of the problem; empty if it has no place of its own."""
        at = self.problem.at
        return self.lines[at.line - 1] if at is not None and 0 < at.line <= len(self.lines) else ""

    def hinted(self, pattern: str) -> str:
        """What the first group of a pattern matches in the hint; empty if the hint does not match as a whole."""
        match = re.fullmatch(pattern, self.problem.hint)
        return match[1] if match else ""

    def value(self, text: str) -> Edit | None:
        """The edit that writes another value. None if the node is not a text on one line."""
        return self.written_anew(self.node, text) if text else None

    def written_anew(self, node: YamlNode | None, text: str) -> Edit | None:
        """The edit that writes a scalar anew. None for a text of several lines, with an anchor, a tag or an escape."""
        if node is None or node.kind != "scalar" or node.end[0] != node.line or node.file != self.file:
            return None
        line = self.lines[node.line - 1] if 0 < node.line <= len(self.lines) else ""
        if line[node.column - 1 : node.end[1] - 1] not in {node.text, f'"{node.text}"', f"'{node.text}'"}:
            return None
        return Edit(node.line, node.column, node.end[1], text)

    def part_of_line(self, pattern: str, text: str) -> Edit | None:
        """The edit that replaces what the first group of a pattern matches in the line; None without a match."""
        at, match = self.problem.at, re.search(pattern, self.line)
        if at is None or match is None or not text or match[1] == text:
            return None
        return Edit(at.line, match.start(1) + 1, match.end(1) + 1, text)


def one_letter_apart(word: str, other: str) -> bool:
    """Whether one letter is missing, too many, different, or exchanged with the next; upper case does not count."""
    first, second = sorted((word.lower(), other.lower()), key=len)
    if not first or len(second) - len(first) > 1:
        return False
    at = next((index for index, letter in enumerate(first) if letter != second[index]), len(first))
    if len(first) < len(second):
        return first[at:] == second[at + 1 :]
    exchanged = first[at : at + 2] == second[at : at + 2][::-1] and first[at + 2 :] == second[at + 2 :]
    return first[at + 1 :] == second[at + 1 :] or exchanged
