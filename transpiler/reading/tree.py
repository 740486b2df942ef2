"""YAML text -> a tree of nodes with their places, built from PyYAML's events without recursion.

`yaml.compose` is not used: with libyaml it crashes the interpreter at deep nesting, it refuses a second document, and
it gives an alias the position of its anchor. Values are resolved in `typed`, according to the declared types.
"""

from __future__ import annotations

import sys
from typing import Any, Literal

from provision.config.problems import Path, Position
from transpiler.reading.syntax_messages import INCOMPATIBLE, NOT_UTF_8, SYNTAX_MESSAGES, TAB
from transpiler.reading.yaml_node import YamlNode
from transpiler.reading.yaml_parser import parse_events
from transpiler.reading.yaml_problems import YamlError

MAX_BYTES = 32 * 1024 * 1024
MAX_NODES = 250_000
MAX_DEPTH = 10_000
"""The same limit as in yaml.v3."""


def read_input(name: str) -> bytes:
    """The bytes of a file, or of standard input if `name` is empty; at most MAX_BYTES + 1. Raises OSError."""
    if not name:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with open(name, "rb") as file:
        return file.read(MAX_BYTES + 1)


def parse_yaml(text: bytes, max_nodes: int = MAX_NODES, file: str = "") -> YamlNode | None:
    """The first document of the text; None if there is none. Raises YamlError if the text is not YAML or too large.

    All places have the name `file`.
    """
    try:
        return _parsed(text, max_nodes, file)
    except YamlError as error:
        error.set_file(file)
        raise


def _parsed(text: bytes, max_nodes: int, file: str) -> YamlNode | None:
    import yaml

    if len(text) > MAX_BYTES:
        raise YamlError(f"the config is larger than {MAX_BYTES >> 20} MiB, which is the limit")
    try:
        return _Tree(yaml, max_nodes, file).build(text)
    except yaml.reader.ReaderError as error:
        raise _reader_error(text, error) from None
    except yaml.MarkedYAMLError as error:
        scanner = isinstance(error, yaml.scanner.ScannerError)
        raise _syntax_error(text, error, scanner=scanner) from None


class _Tree:
    """Builds the tree: keeps a stack of open collections, and the anchors read so far."""

    def __init__(self, yaml: Any, max_nodes: int, file: str) -> None:
        self.yaml = yaml
        self.max_nodes = max_nodes
        self.file = file
        self.anchors: dict[str, YamlNode] = {}
        self.count = 0

    def build(self, text: bytes) -> YamlNode | None:
        """The root node of the first document; None if there is none. Reads no events after it."""
        yaml = self.yaml
        root: list[YamlNode] = []
        stack: list[tuple[list[Any], list[YamlNode] | None]] = [(root, None)]
        for event in parse_events(text):
            kind = type(event)
            if kind is yaml.ScalarEvent or kind is yaml.AliasEvent:
                node = self.leaf(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                node = self.collection(event, "mapping" if kind is yaml.MappingStartEvent else "sequence", len(stack))
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                stack.pop()
                continue
            elif kind is yaml.DocumentEndEvent:
                break
            else:
                _check_version(event)
                continue
            _append_node(node, *stack[-1])
            if node.kind == "mapping":
                stack.append((node.items, []))
            elif node.kind == "sequence":
                stack.append((node.items, None))
        return root[0] if root else None

    def add(self) -> None:
        """Count a node. Raises YamlError if there are too many."""
        self.count += 1
        if self.count > self.max_nodes:
            raise YamlError(f"the config has more than {self.max_nodes} values, which is the limit")

    def leaf(self, event: Any) -> YamlNode:
        """The node of a scalar or an alias."""
        self.add()
        mark = event.start_mark
        if type(event) is self.yaml.ScalarEvent:
            last = event.end_mark
            end = (last.line + 1, last.column + 1)
            place = (mark.line + 1, mark.column + 1)
            node = YamlNode("scalar", event.value, event.tag or "", not event.style, *place, [], end, self.file)
            if event.anchor:
                self.anchors[event.anchor] = node
            return node
        target = self.anchors.get(event.anchor)
        if target is None:
            message = f"unknown anchor '{event.anchor}' referenced"
            raise YamlError(message, Position(mark.line + 1, mark.column + 1), yaml_v3=f"yaml: {message}")
        return YamlNode(
            "alias",
            event.anchor,
            "",
            plain=True,
            line=mark.line + 1,
            column=mark.column + 1,
            items=[target],
            file=self.file,
        )

    def collection(self, event: Any, kind: Literal["mapping", "sequence"], depth: int) -> YamlNode:
        """The node of a mapping or a sequence, without its items."""
        self.add()
        mark = event.start_mark
        if depth > MAX_DEPTH:
            message = f"exceeded max depth of {MAX_DEPTH}"
            place = Position(mark.line + 1, mark.column + 1)
            raise YamlError(f"values are nested deeper than {MAX_DEPTH}", place, yaml_v3=f"yaml: {message}")
        node = YamlNode(
            kind, "", event.tag or "", plain=True, line=mark.line + 1, column=mark.column + 1, items=[], file=self.file
        )
        if event.anchor:
            self.anchors[event.anchor] = node
        return node


def _append_node(node: YamlNode, items: list[Any], keys: list[YamlNode] | None) -> None:
    """Add a node to the innermost open collection. In a mapping, `keys` holds a key until its value arrives."""
    if keys is None:
        items.append(node)
    elif keys:
        items.append((keys.pop(), node))
    else:
        keys.append(node)


def _check_version(event: Any) -> None:
    version = getattr(event, "version", None)
    if version not in {None, (1, 1)}:
        line = event.start_mark.line
        where = f"line {line}: " if line else ""
        raise YamlError(
            SYNTAX_MESSAGES[INCOMPATIBLE].message,
            Position(line + 1, 1),
            yaml_v3=f"yaml: {where}{INCOMPATIBLE}",
            hint=SYNTAX_MESSAGES[INCOMPATIBLE].hint,
        )


def _reader_error(text: bytes, error: Any) -> YamlError:
    """The error for bytes that are not text, at the offset that PyYAML's reader reports."""
    position = error.position if isinstance(error.position, int) and error.position >= 0 else 0
    before = text[:position]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    told = SYNTAX_MESSAGES.get(error.reason, NOT_UTF_8)
    return YamlError(error.reason, Position(line, column), yaml_v3=f"yaml: {error.reason}", hint=told.hint)


def _syntax_error(text: bytes, error: Any, *, scanner: bool) -> YamlError:
    """The error for wrong syntax, at libyaml's place. yaml.v3 prints the line of the context, counted differently."""
    mark = error.problem_mark or error.context_mark
    counted = next((one.line for one in (error.context_mark, error.problem_mark) if one and one.line), 0)
    if counted and scanner:
        counted += 1
    where = f"line {counted}: " if counted else ""
    problem = error.problem or "unknown problem parsing YAML content"
    place = Position(mark.line + 1, mark.column + 1) if mark else None
    return YamlError(problem, place, yaml_v3=f"yaml: {where}{problem}", hint=_hint(text, problem, place))


def _hint(text: bytes, problem: str, place: Position | None) -> str:
    lines = text.split(b"\n")
    line = lines[place.line - 1] if place and place.line <= len(lines) else b""
    if b"\t" in line[: len(line) - len(line.lstrip())]:
        return TAB.hint
    told = SYNTAX_MESSAGES.get(problem)
    return told.hint if told else ""


def place_of(root: YamlNode | None, path: Path) -> Position:
    """The place of the node at a path. If the text has no such node, the place of the nearest node above it.

    Nodes that an alias or a merge key brings do not count. Butane finds its places in the same way.
    """
    node = root
    for part in path:
        inner = _child(node, part) if node else None
        if inner is None:
            break
        node = inner
    return node.at if node else Position(0, 0)


def _child(node: YamlNode, part: str | int) -> YamlNode | None:
    if isinstance(part, int):
        inside = node.kind == "sequence" and part < len(node.items)
        return node.items[part] if inside else None
    if node.kind != "mapping":
        return None
    return next((value for key, value in reversed(node.items) if key.text == part), None)
