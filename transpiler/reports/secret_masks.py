"""Hide secrets in excerpts of the author's text: each of their characters becomes an asterisk, so columns stay."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator
from functools import cache

from provision.config.model import Record
from provision.config.problems import Position
from transpiler.reading.yaml_node import YamlNode

_SECRET_NAMES = frozenset({"inline", "password_hash", "value", "config", "advertisement"})

_URL_NAMES = frozenset({"source", "http_proxy", "https_proxy"})

_KEYS_ARE_FREE = frozenset({"labels", "annotations"})

AUTHOR_TAGS = ("!var", "!env", "!secret", "!include")
"""Tags whose text is the name of a value or of a file."""

TAGS = (*AUTHOR_TAGS, "!format")
"""All tags of this program."""

_CANNOT_BE_SECRET = re.compile(r"\d{1,6}(?:\.\d{1,3}){0,3}|true|false|yes|no|on|off", re.IGNORECASE)

_SECRET_WORDS = re.compile(r"pass|pwd|secret|token|hash|key|pin|auth|cred", re.IGNORECASE)


class Masks:
    """The scalars of trees that may be secrets: for each file, sorted by their places."""

    def __init__(self, roots: Iterable[YamlNode | None], public_names: Container[str] = ()) -> None:
        """Values of `public_names` are shown, beside those of the fields that Butane has."""
        found: dict[str, list[tuple[str, YamlNode]]] = {}
        for root in roots:
            for name, node in _secret_scalars(root, public_names):
                found.setdefault(node.file, []).append((name, node))
        self.scalars = {file: sorted(some, key=lambda one: one[1].at) for file, some in found.items()}
        self.starts = {file: [node.line for _, node in some] for file, some in self.scalars.items()}
        self.masked: dict[tuple[str, int], str] = {}

    def masked_line(self, place: Position, line: str) -> str:
        """The line at a place, in which every character of a secret is an asterisk."""
        if (place.file, place.line) not in self.masked:
            self.masked[place.file, place.line] = self._masked(place, line)
        return self.masked[place.file, place.line]

    def _masked(self, place: Position, line: str) -> str:
        number, scalars = place.line, self.scalars.get(place.file, [])
        index = bisect_right(self.starts.get(place.file, []), number)
        while index > 0:
            index -= 1
            name, node = scalars[index]
            if node.end >= (number, 1):
                start = node.column - 1 if node.line == number else 0
                start += len("!format ") if line.startswith("!format ", start) else 0
                end = node.end[1] - 1 if node.end[0] == number else len(line)
                line = line[:start] + _hidden(line[start:end], name) + line[end:]
            if node.line < number:
                break
        return line


def without_values(line: str) -> str:
    """A line of a unit with an asterisk for each character of a value; a section and the name of a setting stay."""
    return _hidden(line, "contents")


def _hidden(text: str, name: str) -> str:
    """A secret as asterisks. In the text of a unit, names of sections and settings stay readable."""
    shown = 0
    if name == "contents":
        match = re.match(r"\s*(\[[^\]]*\]?|[A-Za-z]+ *=|[|>][-+0-9]*\s*$)", text)
        shown = match.end() if match else 0
    return text[:shown] + re.sub(r"\S", "*", text[shown:])


def _secret_scalars(root: YamlNode | None, public_names: Container[str]) -> Iterator[tuple[str, YamlNode]]:
    """Scalars that may be secrets, each with the name of its key. A value counts too if its key is unknown, because the
    key may be the misspelled name of a secret field."""
    waiting = [("", False, root)] if root else []
    while waiting:
        name, unknown, node = waiting.pop()
        if node.tag in AUTHOR_TAGS:
            defaults = (value for key, value in node.items if key.text == "default") if node.kind == "mapping" else ()
            waiting.extend((name, unknown, value) for value in defaults)
        elif name == "extends":
            continue
        elif node.kind == "mapping":
            for key, value in node.items:
                known = name in _KEYS_ARE_FREE or key.text in known_names() or key.text in public_names
                waiting.append((key.text, unknown or not known, value))
        elif node.kind == "sequence":
            waiting.extend((name, unknown, item) for item in node.items)
        elif node.kind == "scalar" and _may_be_secret(name, node.text, unknown=unknown):
            yield name, node


def _may_be_secret(name: str, text: str, *, unknown: bool) -> bool:
    if name in _SECRET_NAMES or name == "contents":
        return True
    if name in _URL_NAMES:
        return re.match(r"data:|[^?]*[@?]", text) is not None
    if re.match(r"\w+://[^?]*[@?]", text):
        return True
    return unknown and (_SECRET_WORDS.search(name) is not None or _CANNOT_BE_SECRET.fullmatch(text) is None)


@cache
def known_names() -> frozenset[str]:
    """The YAML names of all fields of all variants."""
    from transpiler.butane.variants import table

    found: set[str] = set()
    waiting: list[type[Record]] = [row.record for row in table().values()]
    seen: set[type[Record]] = set()
    while waiting:
        record = waiting.pop()
        if record in seen:
            continue
        seen.add(record)
        found.update(field.name for field in record.FIELDS)
        waiting.extend(field.record for field in record.FIELDS if field.record is not None)
    return frozenset(found)
