"""An open document: its text, how it is checked, and its places in the terms of editors.

YAML counts lines and columns from 1, columns in characters. Editors count from 0, and columns in units of an encoding.
The two also differ in what ends a line: U+0085, U+2028 and U+2029 do so in YAML 1.1 (section 4.1.4) only.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

from provision.config.problems import Path, Position
from provision.config.reports.findings import Finding
from transpiler.butane.variants import Variant, table
from transpiler.phases import transpile
from transpiler.reading.tree import parse_yaml
from transpiler.reading.yaml_node import YamlNode
from transpiler.reading.yaml_problems import YamlError
from transpiler.result import Result
from transpiler.translation_state import TranspileOptions

_YAML_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_EDITOR_BREAK = re.compile("\r\n|[\r\n]")
_BOM = "\ufeff"
_UNIT_BYTES = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


class TextRange(NamedTuple):
    """A part of a text; the character at `end` does not belong to it."""

    start: Position
    end: Position

    def has(self, at: Position) -> bool:
        """Whether a cursor at this place touches the span."""
        return self.start <= at <= self.end


class EditorPosition(NamedTuple):
    """A place in the terms of the protocol: line and character count from 0."""

    line: int
    character: int


class WholeConfig(NamedTuple):
    """The text of a config, and the path of one of its parts."""

    raw: bytes
    part: str


class OpenDocument:
    """A text in an editor, and how `transpile check` translates it.

    `encoding` is that of the client: `utf-8`, `utf-16` or `utf-32`. A text that is only a part of a config is checked
    through that config, and the options are those of the config. A text that `holds_values` is no config: it is only
    read as YAML.
    """

    def __init__(
        self,
        text: str,
        options: TranspileOptions | None = None,
        *,
        encoding: str = "utf-16",
        part_of: WholeConfig | None = None,
        holds_values: bool = False,
    ) -> None:
        self.text = text
        self.options = options or TranspileOptions()
        self.encoding = encoding
        self.part_of = part_of
        self.holds_values = holds_values

    @cached_property
    def raw(self) -> bytes:
        """The text as bytes. A lone surrogate, which UTF-8 does not have, becomes `?`."""
        return self.text.encode("utf-8", "replace")

    @cached_property
    def result(self) -> Result:
        """What `transpile check` finds in the text, or in the whole config if the text is a part."""
        return self.checked(self.raw)

    def checked(self, raw: bytes) -> Result:
        """What is found if this is the text."""
        return transpile(*self.source(raw))

    def source(self, raw: bytes) -> tuple[bytes, TranspileOptions]:
        """What is translated if this is the text: the config and its options."""
        if self.part_of is None:
            return raw, self.options
        return self.part_of.raw, self.options._replace(part_texts={os.path.realpath(self.part_of.part): raw})

    @cached_property
    def file(self) -> str:
        """The name of the text in places: empty, or that of the part."""
        if self.part_of is None:
            return ""
        real = os.path.realpath(self.part_of.part)
        return next((name for name in self.result.text.others if os.path.realpath(name) == real), real)

    def findings(self) -> list[Finding]:
        """What is found in the text, with places in it. In files of values only YAML can be wrong."""
        if self.holds_values:
            return self.result.findings() if self.root is None else []
        found = self.result.findings()
        if self.part_of is None:
            return found
        own = [(one, one.at) for one in found if one.at is not None and one.at.file == self.file]
        return [one._replace(at=at._replace(file="")) for one, at in own]

    @property
    def root(self) -> YamlNode | None:
        """The tree of the text with all its parts, or as written while a part is wrong; None while it is not YAML."""
        if self.part_of is not None:
            return self._tree_of_part
        return self.result.text.root or self.result.text.as_written

    @cached_property
    def _tree_of_part(self) -> YamlNode | None:
        try:
            return parse_yaml(self.raw)
        except YamlError:
            return None

    @cached_property
    def lines(self) -> list[str]:
        """The lines as YAML counts them, without line breaks."""
        return _YAML_BREAK.split(self.text.removeprefix(_BOM))

    @cached_property
    def variant(self) -> Variant | None:
        """The variant that the text names, also while it is not YAML; None if there is no such variant."""
        name, version = (_top_value(self.text, key) for key in ("variant", "version"))
        return table().get((name, version))

    def line(self, number: int) -> str:
        """A line by its number; empty if the text has no such line."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def position(self, line: int, character: int) -> Position:
        """The place that an editor means. A place after the end of a line is its end."""
        starts = self._editor_starts
        line = min(max(line, 0), len(starts) - 1)
        end = starts[line + 1] if line + 1 < len(starts) else len(self.text)
        shown = self.text[starts[line] : end].rstrip("\r\n") if line + 1 < len(starts) else self.text[starts[line] :]
        offset = starts[line] + self._characters(shown, character)
        number = max(bisect_right(self._yaml_starts, offset) - 1, 0)
        return Position(number + 1, max(offset - self._yaml_starts[number], 0) + 1)

    def editor_position(self, at: Position) -> EditorPosition:
        """A place as editors count it."""
        starts = self._yaml_starts
        number = min(max(at.line, 1), len(starts))
        end = starts[number] if number < len(starts) else len(self.text)
        offset = min(starts[number - 1] + max(at.column, 1) - 1, end)
        line = bisect_right(self._editor_starts, offset) - 1
        return EditorPosition(line, self._units(self.text[self._editor_starts[line] : offset]))

    @cached_property
    def _yaml_starts(self) -> list[int]:
        bom = int(self.text.startswith(_BOM))
        return [bom, *(match.end() for match in _YAML_BREAK.finditer(self.text))]

    @cached_property
    def _editor_starts(self) -> list[int]:
        return [0, *(match.end() for match in _EDITOR_BREAK.finditer(self.text))]

    def _units(self, text: str) -> int:
        if text.isascii():
            return len(text)
        encoding, size = _UNIT_BYTES[self.encoding]
        return len(text.encode(encoding, "surrogatepass")) // size

    def _characters(self, line: str, units: int) -> int:
        """The number of characters that begin within the first units of a line."""
        if line.isascii():
            return min(max(units, 0), len(line))
        taken = 0
        for count, letter in enumerate(line):
            if taken >= units:
                return count
            taken += self._units(letter)
        return len(line)


def names_variant(text: str) -> bool:
    """Whether a text has a line with a variant, as a config has that is not only a part."""
    return _top_value(text, "variant") != ""


def _top_value(text: str, key: str) -> str:
    match = re.search(rf"^{key}[ \t]*:[ \t]*[\"']?([\w.+-]*)", text, re.MULTILINE)
    return match[1] if match else ""


def node_span(node: YamlNode, lines: list[str]) -> TextRange:
    """The span of a node on its first line: of a block the line with its `|`, of a list its first dash."""
    line = lines[node.line - 1] if 0 < node.line <= len(lines) else ""
    if node.kind == "scalar" and node.end[0] == node.line and node.end[1] > node.column:
        return TextRange(node.at, Position(node.line, node.end[1]))
    rest = line[node.column - 1 :]
    width = len(rest.rstrip() if node.kind == "scalar" else rest.split(" ", 1)[0])
    return TextRange(node.at, Position(node.line, node.column + max(width, 1)))


class Found(NamedTuple):
    """A scalar, an alias or a key of the text with its path. A key has the path of its value."""

    path: Path
    node: YamlNode
    is_key: bool


def node_under(document: OpenDocument, at: Position) -> Found | None:
    """The key, scalar or alias that a cursor touches; None if there is none. Blocks are touched on all their lines."""
    waiting: list[tuple[Path, YamlNode]] = [((), document.root)] if document.root else []
    while waiting:
        path, node = waiting.pop()
        if node.file:
            continue
        if node.kind == "mapping":
            for key, value in node.items:
                inner = (*path, key.text)
                if key.kind == "scalar" and node_span(key, document.lines).has(at):
                    return Found(inner, key, is_key=True)
                waiting.append((inner, value))
        elif node.kind == "sequence":
            waiting.extend(((*path, index), item) for index, item in enumerate(node.items))
        elif node_span(node, document.lines).has(at) or (node.kind == "scalar" and node.at <= at < node.end):
            return Found(path, node, is_key=False)
    return None
