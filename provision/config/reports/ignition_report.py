"""Problems in the form of ignition-validate's report: `error at $.storage.files.0.path, line 1 col 9: ...`."""

from __future__ import annotations

from provision.config.json_text.positions import Span, positions, spans
from provision.config.json_text.tokens import syntax_error
from provision.config.problems import Path, Position, Problem
from provision.config.validate import Validation

_NEWLINE = b"\n"


def ignition_report(raw: bytes, validation: Validation) -> str:
    """One line for each problem, as ignition-validate prints them; it stops at the first value of a wrong type."""
    text = raw.decode(errors="surrogateescape")
    if not validation.problems:
        return ""
    if not validation.types_fit:
        return _unreadable(text, validation.problems[0])
    found = spans(text, [problem.path for problem in validation.problems], exact=True)
    offsets = [_offset(text, problem, found) for problem in validation.problems]
    places = positions(text, offsets)
    return "".join(_line(problem, places[offset]) for problem, offset in zip(validation.problems, offsets, strict=True))


def _line(problem: Problem, at: Position) -> str:
    place = ".".join(("$", *map(str, problem.path)))
    return f"{problem.severity} at {place}, line {at.line} col {at.column}: {problem.message}\n"


def _offset(text: str, problem: Problem, found: dict[Path, Span]) -> int:
    """The offset that Ignition reports for a value: for an object or a list, just after its bracket."""
    if problem.on_key and problem.path in found:
        return found[problem.path].key
    depth = next(depth for depth in range(len(problem.path), -1, -1) if problem.path[:depth] in found)
    span = found[problem.path[:depth]]
    return span.end if text[span.start] in "{[" else span.start


def _unreadable(text: str, problem: Problem) -> str:
    """The line for a syntax error or a value of a wrong type, at the offset at which Go's decoder stops."""
    bad = syntax_error(text)
    if bad is not None:
        # at the end of a text Go's scanner reads one more blank (`eof` of encoding/json, scanner.go)
        at_end = syntax_error(text + " ") if problem.message == bad.message else None
        return f"error at {_byte_mark(text, bad.offset, 1)}: {at_end.message if at_end else problem.message}\n"
    span = spans(text, [problem.path]).get(problem.path)
    return f"error at {_byte_mark(text, span.end, 0)}: {problem.message}\n" if span else f"error: {problem.message}\n"


def _byte_mark(text: str, offset: int, further: int) -> str:
    """The line and column `further` bytes after a character; 0 and 0 at the end of the text."""
    raw = text.encode(errors="surrogateescape")
    place = len(text[:offset].encode(errors="surrogateescape")) + further
    if place >= len(raw):
        return "line 0 col 0"
    return f"line {raw.count(_NEWLINE, 0, place) + 1} col {place - raw.rfind(_NEWLINE, 0, place)}"
