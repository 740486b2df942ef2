"""Names of arrays, encrypted volumes, partitions and file systems, and the places that use them.

A reference is a path below /dev, `LABEL=` or `PARTLABEL=`, or the name of a device unit, anywhere in the text.
Source: the rules of udev (60-persistent-storage.rules), mdadm, cryptsetup; systemd.unit(5) for escaping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from provision.config.problems import Path, Position
from transpiler.editor.document import OpenDocument, TextRange
from transpiler.lint.source import node_at
from transpiler.lint.units.unit_text import escaped_path
from transpiler.reading.yaml_node import YamlNode

_FORMS: dict[tuple[str, str], tuple[str, ...]] = {
    ("raid", "name"): ("/dev/md/",),
    ("luks", "name"): ("/dev/mapper/", "/dev/disk/by-id/dm-name-"),
    ("luks", "label"): ("/dev/disk/by-label/", "LABEL="),
    ("filesystems", "label"): ("/dev/disk/by-label/", "LABEL="),
    ("partitions", "label"): ("/dev/disk/by-partlabel/", "PARTLABEL="),
}
"""(list, field with the name) -> what stands before the name in a reference."""

_BEFORE = r"(?<![\w./-])"
_AFTER = r"(?![\w.+@#=\\-])"

NEW_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
"""The names that `rename` writes. They need neither quotes in YAML nor escapes in paths."""


class Name(NamedTuple):
    """A name that the text defines, and its place, without quotes."""

    kind: tuple[str, str]
    text: str
    span: TextRange


class RenameRefused(Exception):
    """A name cannot be changed. The message is for the author."""


def names(document: OpenDocument) -> list[Name]:
    """All names in the order of the text."""
    found = [one for path, kind in _places(document.root) if (one := _name(document, path, kind))]
    return sorted(found, key=lambda one: one.span)


def _places(root: YamlNode | None) -> Iterator[tuple[Path, tuple[str, str]]]:
    for kind in _FORMS:
        lists: list[Path] = [("storage", kind[0])]
        if kind[0] == "partitions":
            disks = node_at(root, ("storage", "disks"))
            count = len(disks.items) if disks is not None and disks.kind == "sequence" else 0
            lists = [("storage", "disks", index, "partitions") for index in range(count)]
        for path in lists:
            node = node_at(root, path)
            if node is not None and node.kind == "sequence":
                yield from (((*path, index, kind[1]), kind) for index in range(len(node.items)))


def _name(document: OpenDocument, path: Path, kind: tuple[str, str]) -> Name | None:
    node = node_at(document.root, path)
    if node is None or node.file or node.kind != "scalar" or not node.text or node.end[0] != node.line:
        return None
    written = document.line(node.line)[node.column - 1 : node.end[1] - 1]
    quoted = written in {f'"{node.text}"', f"'{node.text}'"}
    if not quoted and written != node.text:
        return None
    start = node.column + quoted
    return Name(kind, node.text, TextRange(Position(node.line, start), Position(node.line, start + len(node.text))))


def references(document: OpenDocument, name: Name) -> list[tuple[TextRange, bool]]:
    """The parts of the text that use this name. True marks those that are escaped, as in the name of a unit."""
    return _references(document.lines, name)


def _references(lines: list[str], name: Name) -> list[tuple[TextRange, bool]]:
    found: list[tuple[TextRange, bool]] = []
    for form in _FORMS[name.kind]:
        plain = re.compile(f"{_BEFORE}{re.escape(form)}({re.escape(name.text)}){_AFTER}")
        patterns = [(plain, False)]
        if form.startswith("/"):
            start, inner = escaped_path(form + "x")[:-1], _escaped(name.text)
            patterns.append((re.compile(rf"(?<![\w\\-]){re.escape(start)}({re.escape(inner)})(?=\.device\b)"), True))
        for pattern, is_escaped in patterns:
            for number, line in enumerate(lines, 1):
                spans = (match.span(1) for match in pattern.finditer(line))
                found += [(TextRange(Position(number, a + 1), Position(number, b + 1)), is_escaped) for a, b in spans]
    return sorted(found)


def _escaped(text: str) -> str:
    return escaped_path(f"/x/{text}").removeprefix("x-")


def name_under(document: OpenDocument, at: Position) -> tuple[Name, TextRange] | None:
    """The name that a cursor touches, where it is defined or used, and the part of the text; None if there is none."""
    known = names(document)
    for name in known:
        if name.span.has(at):
            return name, name.span
    line = document.line(at.line)
    for name in known:
        if name.text in line or _escaped(name.text) in line:
            span = next((span for span, _ in references(document, name) if span.has(at)), None)
            if span is not None:
                return name, span
    return None


def definition_span(document: OpenDocument, at: Position) -> TextRange | None:
    """The definition of the name that a reference under the cursor uses. The cursor may be anywhere in the path."""
    line = document.line(at.line)
    for name in names(document):
        for form in _FORMS[name.kind]:
            for match in re.finditer(f"{_BEFORE}{re.escape(form + name.text)}{_AFTER}", line):
                if match.start() <= at.column - 1 <= match.end():
                    return name.span
    return None


def renamed(document: OpenDocument, at: Position, new: str) -> list[tuple[TextRange, str]]:
    """The replacements that give the name under the cursor another text, everywhere. Raises RenameRefused."""
    found = name_under(document, at)
    if found is None:
        raise RenameRefused(
            "only names of arrays, volumes, partitions and labels of file systems can be renamed, in the file that "
            "defines them"
        )
    if not NEW_NAME.fullmatch(new):
        raise RenameRefused(f"{new!r} cannot be a name: use letters, digits and _ . + - only")
    old, every = found[0], names(document)
    if any(one.kind == old.kind and one.text == new for one in every):
        raise RenameRefused(f"the config has another {old.kind[1]} {new!r} in {old.kind[0]} already")
    for file, lines in document.result.text.all_lines().items():
        used = _references(lines, old) if file else []
        if used:
            raise RenameRefused(f"{file}:{used[0][0].start.line} uses this name too: rename it by hand in both files")
    edits = [(one.span, new) for one in every if one.kind == old.kind and one.text == old.text]
    return edits + [(span, _escaped(new) if escaped else new) for span, escaped in references(document, old)]


def devices(document: OpenDocument) -> list[str]:
    """The paths below /dev of everything that the text names."""
    return [f"{_FORMS[one.kind][0]}{one.text}" for one in names(document)]
