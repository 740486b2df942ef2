"""Files that are only parts of other configs: they are checked through the configs that include or extend them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice

from transpiler.commands.find_configs import SUFFIXES, YAML_SUFFIXES, find_configs, has_variant_line, is_config
from transpiler.composition.documents import EXTENDS
from transpiler.reading.local_files import FilesDirectory, LocalFileError, read_file
from transpiler.reading.tree import MAX_BYTES, parse_yaml
from transpiler.reading.yaml_node import YamlNode, nodes_below
from transpiler.reading.yaml_problems import YamlError


def with_whole_configs(names: Sequence[str], files_dir: str | None, exclude: Sequence[str] = ()) -> list[str]:
    """The names. In place of a file that names no variant, there are the configs of which it is a part.

    These are searched among the names and below the working directory, without those that `exclude` names. A file that
    is no part of a config stays.
    """
    if all(map(_names_variant, names)):
        return list(names)
    users: dict[str, list[str]] = {}
    for config in dict.fromkeys((*names, *find_configs(["."], exclude)[0])):
        for part in _parts(config, files_dir):
            users.setdefault(part, []).append(config)
    chosen: dict[str, str] = {}
    for name in names:
        known = [] if _names_variant(name) else users.get(os.path.realpath(name), [])
        whole = [one for one in known if _names_variant(one) or os.path.realpath(one) not in users]
        for one in whole or [name]:
            chosen.setdefault(os.path.realpath(one), one)
    return list(chosen.values())


MOST_SEARCHED = 500
"""The number of files that are searched for the config of a part. A person waits for them."""


def whole_config(path: str, files_dir: str) -> str:
    """A config that has a file as its part: the nearest one; empty if there is none.

    Without a files directory, a config can only have parts below its own directory: it is searched in the directories
    above the part, up to the top of the repository.
    """
    real, folder = os.path.realpath(path), os.path.dirname(os.path.abspath(path))
    for config in islice(_files_above(folder, files_dir), MOST_SEARCHED):
        is_whole = os.path.realpath(config) != real and is_config(config) and _names_variant(config)
        if is_whole and real in _parts(config, files_dir or None):
            return config
    return ""


def _files_above(folder: str, files_dir: str) -> Iterator[str]:
    """The YAML files in a directory and in those above it, then the configs below the files directory."""
    while True:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            names = []
        yield from (os.path.join(folder, name) for name in names if name.endswith((*SUFFIXES, *YAML_SUFFIXES)))
        above = os.path.dirname(folder)
        if above == folder or os.path.exists(os.path.join(folder, ".git")):
            break
        folder = above
    if files_dir:
        yield from find_configs([files_dir])[0]


def _names_variant(name: str) -> bool:
    raw = _raw(name)
    return raw is None or has_variant_line(raw)


def _raw(name: str) -> bytes | None:
    """The bytes of a file; None if it cannot be read."""
    try:
        return read_file(name, MAX_BYTES) if os.path.isfile(name) else None
    except LocalFileError:
        return None


def _parts(config: str, files_dir: str | None) -> Iterator[str]:
    """The real paths of the files that a config includes or extends, also through others."""
    files = FilesDirectory(files_dir or os.path.dirname(config) or ".")
    waiting, seen = [config], {os.path.realpath(config)}
    while waiting:
        for name in _named_files(_raw(waiting.pop())):
            try:
                path = files.locate(name)
            except LocalFileError:
                continue
            real = os.path.realpath(path)
            if real not in seen:
                seen.add(real)
                waiting.append(path)
                yield real


def _named_files(raw: bytes | None) -> Iterator[str]:
    """The files that a text includes or extends."""
    if raw is None or not (b"!include" in raw or EXTENDS.encode() in raw):
        return
    try:
        root = parse_yaml(raw)
    except YamlError:
        return
    for node in nodes_below(root) if root else ():
        if node.tag == "!include" and node.kind == "scalar":
            yield node.text
    entries: list[tuple[YamlNode, YamlNode]] = root.items if root and root.kind == "mapping" else []
    for key, value in entries:
        if key.text == EXTENDS:
            yield from (one.text for one in (value.items if value.kind == "sequence" else [value]))
