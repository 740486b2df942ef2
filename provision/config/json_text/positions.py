"""The positions of paths in a JSON text. They are worked out only when a problem is shown.

The position of a value is its first byte. A path that does not exist has the position of its deepest ancestor that
does. Of a repeated key the last one counts. Source: Ignition's markers (coreos/vcontext), observed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from provision.config.json_text.decode import fold_case
from provision.config.json_text.parse import replace_surrogates
from provision.config.json_text.tokens import tokens
from provision.config.problems import Path, Position, Problem


class Span(NamedTuple):
    """Offsets of a value in characters: of its key (in a list, the value), and of start and end of its first token."""

    key: int
    start: int
    end: int


def locate(text: str, path: Path, *, on_key: bool = False) -> Position:
    """The position of a problem in a JSON text. Columns count bytes."""
    return locate_all(text, [Problem(path, "", on_key=on_key)])[0]


def locate_all(text: str, problems: Sequence[Problem]) -> list[Position]:
    """The positions of many problems; the text is read once."""
    found = spans(text, [problem.path for problem in problems if problem.at is None])
    offsets = [_offset(problem, found) for problem in problems]
    places = positions(text, {offset for offset in offsets if offset >= 0})
    return [problem.at or places[offset] for problem, offset in zip(problems, offsets, strict=True)]


def spans(text: str, paths: Iterable[Path], *, exact: bool = False) -> dict[Path, Span]:
    """The spans of paths and all their ancestors, as far as they exist; keys match in any case unless `exact`."""
    wanted = {_folded(path[:depth], exact): path[:depth] for path in paths for depth in range(len(path) + 1)}
    found: dict[Path, Span] = {}
    open_paths: list[tuple[Path | None, list[int]]] = []
    key: str | None = None
    key_start = 0
    for kind, start, end in tokens(text):
        if kind == "k":
            key, key_start = replace_surrogates(json.loads(text[start:end])), start
        elif kind in {"}", "]"}:
            open_paths.pop()
        elif kind not in {":", ","}:
            path = _here(open_paths, key, wanted, exact=exact)
            if path is not None:
                _forget(found, path)
                found[path] = Span(start if key is None else key_start, start, end)
            key = None
            if kind in {"{", "["}:
                open_paths.append((path, [-1]))
    return found


def _here(
    open_paths: list[tuple[Path | None, list[int]]], key: str | None, wanted: dict[Path, Path], *, exact: bool
) -> Path | None:
    """The path of the value that begins now, in the caller's spelling; None if it is not one of the `wanted` paths."""
    if not open_paths:
        return wanted.get(())
    parent, index = open_paths[-1]
    index[0] += 1
    if parent is None:
        return None
    return wanted.get(_folded((*parent, index[0] if key is None else key), exact))


def _folded(path: Path, exact: bool) -> Path:
    return path if exact else tuple(_folded_key(part) if isinstance(part, str) else part for part in path)


def _folded_key(key: str) -> str:
    """A key in the form in which keys are compared; a hash in place of a long one, of which no second copy is kept."""
    folded = fold_case(key)
    return folded if len(folded) <= _LONGEST_KEY else f"{len(folded)} {hash(folded)}"


_LONGEST_KEY = 1000


def _forget(found: dict[Path, Span], path: Path) -> None:
    """Remove the spans of an earlier value of the same key, and all spans below it."""
    if path in found:
        for one in [one for one in found if one[: len(path)] == path]:
            del found[one]


def _offset(problem: Problem, found: dict[Path, Span]) -> int:
    """The offset of a problem's path, or of its deepest ancestor; -1 if the problem has a position of its own."""
    if problem.at is not None:
        return -1
    if problem.on_key and problem.path in found:
        return found[problem.path].key
    for depth in range(len(problem.path), -1, -1):
        if problem.path[:depth] in found:
            return found[problem.path[:depth]].start
    return 0


def positions(text: str, offsets: Iterable[int]) -> dict[int, Position]:
    """Offset -> line and byte column, for many offsets; the text is read once."""
    places: dict[int, Position] = {}
    before, line, column = 0, 1, 1
    for offset in sorted(set(offsets)):
        piece = text[before:offset]
        newlines = piece.count("\n")
        column = (1 if newlines else column) + len(piece[piece.rfind("\n") + 1 :].encode(errors="surrogateescape"))
        line += newlines
        before = offset
        places[offset] = Position(line, column)
    return places
