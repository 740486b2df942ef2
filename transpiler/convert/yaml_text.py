"""Plain values -> YAML as people write it: texts of several lines as blocks, modes in octal, comments where they were.

Every text is written so that YAML 1.1 and 1.2 readers read the same text again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from provision.config.problems import Path
from transpiler.reading.scalars import resolve_plain

STEP = "  "

_NO_BLOCK = re.compile("[^\n\t -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""A character that a block cannot hold: control characters, and those that YAML 1.1 takes for the end of a line."""

_PLAIN = re.compile(r"[A-Za-z0-9_/.$(][^\s]*(?: [^\s#][^\s]*)*")
"""A text that may need no quotes: it begins with no sign of YAML's, and has single blanks only."""

_TIME = re.compile(r"[0-9]+(:[0-9._]+)+\Z")
"""Digits with colons, which YAML 1.1 takes for a number to the base of 60."""

_YAML_1_1_BOOLEANS = frozenset({"y", "n", "yes", "no", "on", "off"})


class Octal(int):
    """A number that is written in octal: permission bits."""


class Comment(NamedTuple):
    """What is said about a value: `above` it, line by line, `beside` it on its line, and `below` its last line.

    Each line begins with `#`.
    """

    above: tuple[str, ...] = ()
    beside: str = ""
    below: tuple[str, ...] = ()


_NONE = Comment()


def yaml_text(value: Mapping[str, Any], comments: Mapping[Path, Comment] | None = None) -> str:
    """A mapping of texts, numbers, booleans, lists and mappings as YAML. `comments`: path -> what is said about it.

    The comment of the empty path stands at the top and at the end.
    """
    writer = _Writer(comments or {})
    whole = writer.comments.get((), _NONE)
    lines = [*whole.above, *([""] if whole.above else []), *writer.mapping(value, "", ()), *whole.below]
    return "".join(f"{line}\n" for line in lines)


class _Writer:
    def __init__(self, comments: Mapping[Path, Comment]) -> None:
        self.comments = comments

    def mapping(self, value: Mapping[str, Any], indent: str, path: Path) -> Iterator[str]:
        """The lines of a mapping."""
        for key, one in value.items():
            place = (*path, key)
            comment = self.comments.get(place, _NONE)
            yield from (f"{indent}{line}" for line in comment.above)
            first, rest = self.value(one, indent + STEP, place)
            yield f"{indent}{scalar(key)}:{first}" + (f"  {comment.beside}" if comment.beside else "")
            yield from rest
            yield from (f"{indent}{line}" for line in comment.below)

    def value(self, value: Any, indent: str, path: Path) -> tuple[str, Iterator[str]]:
        """What follows a key on its line, and the lines below it."""
        if isinstance(value, Mapping) and value:
            return "", self.mapping(value, indent, path)
        if isinstance(value, list) and value:
            return "", self.sequence(value, indent, path)
        if isinstance(value, str):
            header, lines = _text(value)
            return f" {header}", iter([f"{indent}{line}" if line else "" for line in lines])
        return f" {scalar(value)}", iter(())

    def sequence(self, values: Sequence[Any], indent: str, path: Path) -> Iterator[str]:
        """The lines of a list. The first line of an element stands after its hyphen."""
        for index, one in enumerate(values):
            place = (*path, index)
            comment = self.comments.get(place, _NONE)
            yield from (f"{indent}{line}" for line in comment.above)
            inner = indent + STEP
            if isinstance(one, Mapping) and one:
                lines = list(self.mapping(one, inner, place))
                first = next(at for at, line in enumerate(lines) if not line.lstrip().startswith("#"))
                yield from (f"{indent}{line.lstrip()}" for line in lines[:first])
                yield f"{indent}- {lines[first].removeprefix(inner)}"
                yield from lines[first + 1 :]
            else:
                header, rest = self.value(one, inner, place)
                yield f"{indent}-{header}" + (f"  {comment.beside}" if comment.beside else "")
                yield from rest
            yield from (f"{indent}{line}" for line in comment.below)


def _text(text: str) -> tuple[str, list[str]]:
    """A text as the header and lines of a block if it has several lines and a block can hold it, else as a scalar."""
    if "\n" not in text or _NO_BLOCK.search(text) or not text.strip("\n\t "):
        return scalar(text), []
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    chomping = "-" if ends == 0 else "" if ends == 1 else "+"
    indicator = str(len(STEP)) if text[0] in " \t\n" else ""
    lines = text.split("\n")
    return f"|{indicator}{chomping}", lines[:-1] if ends else lines


def scalar(value: Any) -> str:
    """A text, number or boolean on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Octal):
        return f"0{int(value):03o}" if value >= 0 else str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list):
        return "[]"
    return _quoted(value)


def _quoted(text: str) -> str:
    if not text.isprintable() or _NO_BLOCK.search(text):
        return '"' + "".join(map(_escaped, text)) + '"'
    looks_otherwise = resolve_plain(text)[0] != "!!str" or text.lower() in _YAML_1_1_BOOLEANS
    if _PLAIN.fullmatch(text) and ": " not in text and text[-1] != ":" and not (looks_otherwise or _TIME.match(text)):
        return text
    return "'" + text.replace("'", "''") + "'"


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter in _SHORT:
        return _SHORT[letter]
    code = ord(letter)
    if letter.isprintable() and not _NO_BLOCK.match(letter):
        return letter
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
