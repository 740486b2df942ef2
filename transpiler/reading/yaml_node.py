"""A node of a YAML text with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from provision.config.problems import Position


class YamlNode(NamedTuple):
    """A node of the text. `line` and `column` count from 1, columns in characters, as yaml.v3 counts them.

    `items` holds the elements of a sequence, the (key, value) pairs of a mapping, or the target of an alias. `text` is
    the value of a scalar, or the name of an alias. `plain` is false for a quoted scalar and for a block. `end` is the
    line and column after the last character of a scalar. `file` is the name of the file if the author's text has the
    node from another file; it is empty for the text itself.
    """

    kind: Literal["scalar", "sequence", "mapping", "alias"]
    text: str
    tag: str
    plain: bool
    line: int
    column: int
    items: list[Any]
    end: tuple[int, int] = (0, 0)
    file: str = ""

    @property
    def at(self) -> Position:
        """The place of the node's first character."""
        return Position(self.line, self.column, self.file)


def nodes_below(root: YamlNode) -> Iterator[YamlNode]:
    """A node and all nodes below it; the target of an alias is not below it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if node.kind == "sequence":
            waiting.extend(node.items)
        elif node.kind == "mapping":
            waiting.extend(one for pair in node.items for one in pair)
