"""A node of a YAML text with its place."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from provision.config.problems import Position


class YamlNode(NamedTuple):
    """A node of the text. `line` and `column` count from 1, columns in characters, as yaml.v3 counts them.

    `items` holds the elements of a sequence, the (key, value) pairs of a mapping, or the target of an alias. `text` is
    the scalar's value, or the name of the alias. `plain` tells an unquoted scalar from a quoted one. `end` is where a
    scalar ends: the place behind its last character.
    """

    kind: Literal["scalar", "sequence", "mapping", "alias"]
    text: str
    tag: str
    plain: bool
    line: int
    column: int
    items: list[Any]
    end: tuple[int, int] = (0, 0)

    @property
    def at(self) -> Position:
        """Where the node starts."""
        return Position(self.line, self.column)
