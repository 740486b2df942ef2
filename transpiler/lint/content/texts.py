"""The texts of a config that programs of the machine read: inline, in local files and trees, or as data URLs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from provision.config.problems import Path, Position, Problem
from transpiler.lint.content.kinds import kind_of
from transpiler.lint.content.wrong_lines import WrongLine
from transpiler.lint.source import LintInput, node_at, place_of_line, remark
from transpiler.reading.local_files import FilesDirectory, LocalFileError, join_below, read_file

_LARGEST = 1 << 20
"""Larger contents, in bytes, are not judged."""

_LARGEST_OF_PROGRAMS = 1 << 18
"""Larger texts, in characters, of units and of settings of programs are not judged: nobody writes them by hand."""

_SKIP_BYTE_ORDER_MARK = frozenset({"unit", "network", "settings"})
"""The readers that skip U+FEFF at the beginning of a text. Source: `config_parse` of systemd."""

MOST_IN_A_TEXT = 100
"""The number of remarks of one kind about a text after which no more are made."""

_MOST_IN_TREES = 10_000
"""The number of files in trees after which no more are searched."""


class MachineText(NamedTuple):
    """A text and where it goes.

    `path` is the author's path of the field with the text, or with the name of the local file. `name` is the path on
    the machine. `file` is the path of the local file whose lines these are; empty for any other text.
    """

    path: Path
    name: str
    text: str
    file: str = ""

    def place(self, source: LintInput, line: int) -> Position | None:
        """The place of a line, from 0, in the author's files; None if the text has no lines there."""
        if not self.file:
            return place_of_line(node_at(source.root, self.path), source, line)
        text = self.text.split("\n", line + 1)[line]
        return Position(line + 1, len(text) - len(text.lstrip()) + 1, self.file)

    def remark(self, source: LintInput, wrong: WrongLine) -> Problem:
        """A warning about a line. Without a place of its own, it names the number of the line."""
        at = self.place(source, wrong.line)
        where = "" if at or "\n" not in self.text.strip() else f"line {wrong.line + 1}: "
        return remark(self.path, wrong.rule, f"{where}{wrong.message}", wrong.hint, at)


def machine_texts(source: LintInput, wanted: Callable[[str], object]) -> Iterator[MachineText]:
    """The texts of all files, units and quadlets whose paths on the machine are `wanted`, without empty ones."""
    for one in (*_units(source, wanted), *_files(source, wanted), *_trees(source, wanted)):
        reader = kind_of(one.name).reader
        if one.text and (len(one.text) <= _LARGEST_OF_PROGRAMS or not reader):
            yield one._replace(text=one.text.removeprefix("\ufeff")) if reader in _SKIP_BYTE_ORDER_MARK else one


def _files(source: LintInput, wanted: Callable[[str], object]) -> Iterator[MachineText]:
    for index, file in enumerate(source.record.storage.files):
        on_root = getattr(file, "filesystem", "root") in {"", "root", None}
        if on_root and file.path.startswith("/") and wanted(file.path):
            yield from _contents(file.contents, ("storage", "files", index, "contents"), file.path, source)


def _contents(contents: Any, path: Path, name: str, source: LintInput) -> Iterator[MachineText]:
    """The text of the contents of a file; none if a URL or a local file that cannot be read has it."""
    inline, local = getattr(contents, "inline", None), getattr(contents, "local", None)
    if getattr(contents, "compression", None) or not (inline or local):
        yield from _decoded(contents, path, name, source)
    elif inline:
        yield MachineText((*path, "inline"), name, inline)
    elif local:
        yield from _local(local, (*path, "local"), name, source)


def _decoded(contents: Any, path: Path, name: str, source: LintInput) -> Iterator[MachineText]:
    """The text of contents that are compressed, or that a data URL has."""
    from provision.config.format import Resource
    from provision.config.resources.content import ContentInvalid, inline_content
    from provision.config.resources.data_urls import base64_encoded

    field = next((one for one in ("source", "inline", "local") if getattr(contents, one, None)), "")
    given = getattr(contents, field) if field else ""
    if field == "local":
        found = _read(given, source)
        given = base64_encoded(found[1]) if found else ""
    elif field == "inline":
        given = base64_encoded(given.encode("utf-8", "surrogateescape"))
    try:
        raw = inline_content(Resource(source=given, compression=getattr(contents, "compression", None)), _LARGEST)
    except ContentInvalid:
        return  # that is an error of its own
    if raw and b"\0" not in raw:
        yield MachineText((*path, field), name, raw.decode("utf-8", "replace"))


def _local(local: str, path: Path, name: str, source: LintInput) -> Iterator[MachineText]:
    found = _read(local, source)
    if found and b"\0" not in found[1]:
        yield MachineText(path, name, found[1].decode("utf-8-sig", "replace"), found[0])


def _read(local: str, source: LintInput) -> tuple[str, bytes] | None:
    """The path and the contents of a local file; None if it is large, cannot be read, or is elsewhere."""
    try:
        place = FilesDirectory(source.files_dir).locate_part(local)
        if place not in source.local_files:
            source.local_files[place] = read_file(place, _LARGEST)
    except LocalFileError:
        return None
    return place, source.local_files[place]


def _units(source: LintInput, wanted: Callable[[str], object]) -> Iterator[MachineText]:
    """The texts of units, drop-ins and quadlets, and of files for networkd in Container Linux Configs."""
    systemd = source.record.systemd
    networkd = getattr(source.record, "networkd", None)
    sections = (
        *((("systemd", "units", index), one, "/etc/systemd/system") for index, one in enumerate(systemd.units)),
        *(
            (("systemd", "quadlets", index), one, f"/etc/containers/systemd{'' if one.rootful else '/users'}")
            for index, one in enumerate(getattr(systemd, "quadlets", ()))
        ),
        *(
            (("networkd", "units", index), one, "/etc/systemd/network")
            for index, one in enumerate(getattr(networkd, "units", ()))
        ),
    )
    for path, unit, directory in sections:
        name = f"{directory}/{unit.name}"
        if wanted(name):
            yield from _unit_text(unit, path, name, source)
        for number, dropin in enumerate(getattr(unit, "dropins", ())):
            if wanted(f"{name}.d/x.conf"):  # a wrong name of the drop-in is an error of its own
                yield from _unit_text(dropin, (*path, "dropins", number), f"{name}.d/x.conf", source)


def _unit_text(unit: Any, path: Path, name: str, source: LintInput) -> Iterator[MachineText]:
    if unit.contents:
        yield MachineText((*path, "contents"), name, unit.contents)
    elif getattr(unit, "contents_local", None):
        yield from _local(unit.contents_local, (*path, "contents_local"), name, source)


def _trees(source: LintInput, wanted: Callable[[str], object]) -> Iterator[MachineText]:
    """The texts of files in local trees that a known program reads."""
    for one in tree_nodes(source):
        if one.is_file and kind_of(one.name).reader and wanted(one.name):
            yield from _local(one.local, one.path, one.name, source)


class TreeNode(NamedTuple):
    """A file or link in a local tree: the author's path, the path on the machine, and that in the files directory."""

    path: Path
    name: str
    local: str
    is_file: bool


def tree_nodes(source: LintInput) -> Iterator[TreeNode]:
    """The files and links in local trees, sorted by name."""
    left = _MOST_IN_TREES
    for index, tree in enumerate(getattr(source.record.storage, "trees", ())):
        if not source.files_dir or not tree.local or "\0" in tree.local:
            continue
        try:
            base = FilesDirectory(source.files_dir).locate_part(tree.local)
        except LocalFileError:
            continue
        for folder, folders, names in os.walk(base):
            folders.sort()
            for name in sorted(names)[:left]:
                left -= 1
                local = join_below(os.path.relpath(folder, base), name)
                target = join_below(tree.path or "/", local)
                is_file = not os.path.islink(f"{folder}/{name}") and os.path.isfile(f"{folder}/{name}")
                yield TreeNode(("storage", "trees", index, "local"), target, join_below(tree.local, local), is_file)
