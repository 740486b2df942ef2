"""The comments of a YAML text, and their places in the YAML that is made of it.

A comment belongs to the entry that it stands above or beside. If nothing is made of that entry, it goes to the next one
outside of it from which something is made.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from provision.config.problems import Path
from transpiler.convert.yaml_text import Comment
from transpiler.reading.yaml_node import YamlNode


class Line(NamedTuple):
    """A comment of one line: its text with the `#`, its place, counted from 1, and whether nothing else is there."""

    text: str
    line: int
    column: int
    is_alone: bool


class CommentedEntry(NamedTuple):
    """An entry of a mapping or list: its path, and the line and column of its key or hyphen."""

    path: Path
    line: int
    column: int


def comments_of(text: str, root: YamlNode | None) -> dict[Path, Comment]:
    """The comments of a text by the path of the entry that they are about; the empty path is the text as a whole."""
    if root is None or "#" not in text:
        return {}
    lines = text.split("\n")
    owners = _Owners(sorted(_entries(root, (), lines), key=lambda one: (one.line, len(one.path))), lines)
    found: dict[Path, tuple[list[str], list[str], list[str]]] = {}
    for one in _comment_lines(lines, root):
        path, place = owners.of(one)
        above, beside, below = found.setdefault(path, ([], [], []))
        if place == "beside" and not beside:
            beside.append(one.text)
        else:
            (below if place == "below" else above).append(one.text)
    return {
        path: Comment(tuple(above), "".join(beside), tuple(below)) for path, (above, beside, below) in found.items()
    }


def placed(
    comments: Mapping[Path, Comment], values: Any, source_of: Callable[[Path], Path]
) -> tuple[dict[Path, Comment], int]:
    """The comments by their paths in new values, and the number of lines for which there is no place.

    `source_of` gives the path in the old text of what has a path in the new values.
    """
    if not comments:
        return {}, 0
    places: dict[Path, Path] = {(): ()}
    for path in _paths(values, ()):
        places.setdefault(source_of(path), path)
    moved: dict[Path, Comment] = {}
    lost = 0
    for source, comment in comments.items():
        at = next((source[:end] for end in range(len(source), 0, -1) if source[:end] in places), None)
        if source and at is None:
            lost += len(_all_lines(comment))
            continue
        path = places[at or ()]
        is_elsewhere = at is not None and at != source
        whole = Comment(above=_all_lines(comment)) if is_elsewhere else comment
        moved[path] = _joined(moved.get(path, Comment()), whole)
    return moved, lost


def _all_lines(comment: Comment) -> tuple[str, ...]:
    return (*comment.above, *((comment.beside,) if comment.beside else ()), *comment.below)


def _joined(one: Comment, other: Comment) -> Comment:
    beside, more = one.beside or other.beside, (other.beside,) if one.beside and other.beside else ()
    return Comment((*one.above, *other.above, *more), beside, (*one.below, *other.below))


def _paths(value: Any, path: Path) -> Iterator[Path]:
    """The paths of all entries of plain values, in the order of the text."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in pairs:
        yield (*path, key)
        yield from _paths(one, (*path, key))


def _entries(node: YamlNode, path: Path, lines: list[str]) -> Iterator[CommentedEntry]:
    """The entries below a node, aliases not followed, and without what comes from other files."""
    if node.file:
        return
    if node.kind == "mapping":
        for key, value in node.items:
            yield CommentedEntry((*path, key.text), key.line, key.column)
            yield from _entries(value, (*path, key.text), lines)
    elif node.kind == "sequence":
        for index, one in enumerate(node.items):
            before = lines[one.line - 1][: one.column - 1]
            hyphen = before.rfind("-") + 1
            yield CommentedEntry((*path, index), one.line, hyphen or one.column)
            yield from _entries(one, (*path, index), lines)


def _scalars(node: YamlNode) -> Iterator[YamlNode]:
    if node.file:
        return
    if node.kind == "scalar":
        yield node
    for one in node.items if node.kind != "alias" else ():
        for inner in one if isinstance(one, tuple) and not isinstance(one, YamlNode) else (one,):
            yield from _scalars(inner)


def _comment_lines(lines: list[str], root: YamlNode) -> Iterator[Line]:
    """The comments: what follows a `#` at the start of a line or after white space, outside of all scalars."""
    covered: dict[int, list[tuple[int, int]]] = {}
    for node in _scalars(root):
        last, end = node.end
        for number in range(node.line, last + 1):
            first = node.column if number == node.line else 1
            is_block = not node.plain and lines[node.line - 1][node.column - 1 : node.column] in {"|", ">"}
            if is_block and number == node.line:
                continue  # the header of a block may have a comment
            covered.setdefault(number, []).append((first, end if number == last else len(lines[number - 1]) + 2))
    for number, line in enumerate(lines, 1):
        for at, letter in enumerate(line, 1):
            if letter != "#" or (at > 1 and line[at - 2] not in " \t"):
                continue
            if not any(first <= at < end for first, end in covered.get(number, ())):
                yield Line(line[at - 1 :].rstrip(), number, at, not line[: at - 1].strip())
                break


class _Owners:
    """Finds the entry that a comment is about, among entries in the order of the text."""

    def __init__(self, entries: list[CommentedEntry], lines: list[str]) -> None:
        self.entries = entries
        self.numbers = [one.line for one in entries]
        self.by_column: dict[int, list[CommentedEntry]] = {}
        for one in entries:
            self.by_column.setdefault(one.column, []).append(one)
        first = entries[0].line if entries else 0
        self.top = max((number for number, line in enumerate(lines[: first - 1], 1) if not line.strip()), default=0)

    def of(self, comment: Line) -> tuple[Path, str]:
        """The path that a comment is about, and where it stands, as Comment names it."""
        if not comment.is_alone:
            return self.on_line(comment), "beside"
        if comment.line < self.top:
            return (), "above"  # an empty line separates it from the first entry: it is about the text
        at = bisect_right(self.numbers, comment.line)
        following = self.entries[at] if at < len(self.entries) else None
        same = self.by_column.get(comment.column, [])
        earlier = bisect_left(same, comment.line, key=lambda one: one.line)
        if earlier and comment.column > (following.column if following else 1):
            return same[earlier - 1].path, "below"
        return (following.path, "above") if following else ((), "below")

    def on_line(self, comment: Line) -> Path:
        """The innermost entry in front of a comment."""
        at = bisect_right(self.numbers, comment.line)
        before = (one for one in reversed(self.entries[max(at - 100, 0) : at]) if one.column < comment.column)
        nearest = next(before, None)
        if nearest is None:
            return ()
        same = (one.path for one in before if one.line == nearest.line)
        return max((nearest.path, *same), key=len)
