"""Find the configs that paths, directories and globs name.

A link to a directory is followed if a path or a part of a glob names it. It is not followed during the search below a
directory, so a loop of links ends. Pipes, devices and sockets are not opened. The search passes over hidden files,
which editors and interrupted runs leave behind, and over links to files outside of the searched directory and of the
working directory: `fmt` and `check --fix` would change them, and reports would show their lines.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import translate
from itertools import takewhile

SUFFIXES = (".bu", ".butane")

YAML_SUFFIXES = (".yaml", ".yml", ".ct", ".clc")
"""The suffixes of files that may be Container Linux Configs, which name no variant."""

_GLOB = re.compile(r"[*?\[]")

_SKIPPED = {"node_modules"}

_HEAD_BYTES = 1 << 20


def find_configs(paths: Iterable[str], exclude: Sequence[str] = ()) -> tuple[list[str], int]:
    """The configs that paths name, each once and in order, and the number of excluded ones.

    Raises FileNotFoundError for a path that does not exist and is not a glob.
    """
    excluded = [_excluder(pattern) for pattern in exclude]
    chosen: dict[tuple[int, int] | str, str] = {}
    left_out = 0
    for path in paths:
        for found in _named_by(path):
            name = found.replace(os.sep, "/")
            if any(pattern.fullmatch(_comparable(name)) for pattern in excluded):
                left_out += 1
            else:
                chosen.setdefault(_identity(name), name)
    return list(chosen.values()), left_out


def is_excluded(name: str, exclude: Sequence[str]) -> bool:
    """Whether one of the patterns excludes a file."""
    return any(_excluder(pattern).fullmatch(_comparable(name.replace(os.sep, "/"))) for pattern in exclude)


def _named_by(path: str) -> Iterator[str]:
    if os.path.isdir(path):
        yield from (name for name in _configs_below(path) if not _leads_out(name, path))
    elif os.path.lexists(path):
        yield path
    elif _GLOB.search(path):
        start = "/" if path.startswith("/") else ""
        parts = [part for part in path.split("/") if part not in {"", "."}]
        searched = os.path.join(start, *takewhile(lambda part: not _GLOB.search(part), parts))
        found = dict.fromkeys(os.path.normpath(name) for name in _matching(start, parts))
        yield from (name for name in found if not _leads_out(name, searched))
    else:
        raise FileNotFoundError(f"{path}: no such file or directory")


def _leads_out(name: str, searched: str) -> bool:
    """Whether a file is a link to one outside of both the searched directory and the working directory."""
    if not os.path.islink(name):
        return False
    target = os.path.realpath(name)
    return not any(target.startswith(os.path.join(os.path.realpath(base), "")) for base in (searched or ".", "."))


def _configs_below(directory: str) -> Iterator[str]:
    """The configs below a directory. An unreadable directory is given too, so that its check reports the error."""
    unreadable: list[str] = []
    for base, directories, names in os.walk(directory, onerror=lambda error: unreadable.append(str(error.filename))):
        directories[:] = sorted(name for name in directories if _is_searched(name))
        paths = (os.path.normpath(os.path.join(base, name)) for name in sorted(names) if not name.startswith("."))
        yield from (path for path in paths if is_config(path))
    yield from unreadable


def _is_searched(name: str) -> bool:
    return not name.startswith(".") and name not in _SKIPPED


def _matching(base: str, parts: Sequence[str]) -> Iterator[str]:
    """The configs that a glob names. `**` matches any number of directories, but no links to directories."""
    first, rest = parts[0], parts[1:]
    if first == "**":
        if rest:
            yield from _matching(base, rest)
        for entry in _entries(base):
            if entry.is_dir(follow_symlinks=False) and _is_searched(entry.name):
                yield from _matching(entry.path, parts)
            elif not rest and not entry.name.startswith(".") and is_config(entry.path):
                yield entry.path
    elif not _GLOB.search(first) or first == "..":
        path = os.path.join(base, first)
        yield from _matched(path, rest)
    else:
        pattern = re.compile(translate(first))
        for entry in _entries(base):
            if pattern.match(entry.name) and (first.startswith(".") or not entry.name.startswith(".")):
                yield from _matched(entry.path, rest)


def _matched(path: str, rest: Sequence[str]) -> Iterator[str]:
    if rest:
        if os.path.isdir(path):
            yield from _matching(path, rest)
    elif is_config(path):
        yield path


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory or ".") as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
    return found


def is_config(path: str) -> bool:
    """Whether a file found by search is a config: by its suffix, a line with a known variant, or the sections of ct."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        if path.endswith(SUFFIXES):
            return True
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
        return has_variant_line(head) or (path.endswith(YAML_SUFFIXES) and _is_container_linux(head))
    except OSError:
        return path.endswith(SUFFIXES) and os.path.islink(path)


def has_variant_line(head: bytes) -> bool:
    """Whether the beginning of a file has a line with a known variant."""
    found = re.search(
        rb"""^(?:\{[ \t]*)?["']?variant["']?[ \t]*:[ \t]+["']?([a-z0-9]+)(?=["'\s,}]|$)""", head, re.MULTILINE
    )
    return found is not None and found[1].decode() in _variants()


def _is_container_linux(head: bytes) -> bool:
    from transpiler.container_linux.found_in_folder import looks_like_container_linux_config

    return looks_like_container_linux_config(head.decode(errors="replace"))


def _variants() -> set[str]:
    from transpiler.butane.variants import table

    return {name for name, _ in table()}


def _identity(path: str) -> tuple[int, int] | str:
    """A value that is equal for all names of one file: device and inode, or the path."""
    try:
        found = os.stat(path)
    except OSError:
        return os.path.normpath(path)
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else path


def _comparable(path: str) -> str:
    """The path relative to the working directory, or the absolute path if it is not below it; always with slashes."""
    relative = os.path.relpath(path)
    outside = relative.startswith(os.pardir + os.sep)
    return (os.path.abspath(path) if outside else relative).replace(os.sep, "/")


def _excluder(pattern: str) -> re.Pattern[str]:
    """The regular expression of an exclude pattern: without a slash, of any name; with one, of a path from here."""
    simple = pattern.strip("/") if not pattern.startswith("/") else pattern.rstrip("/")
    parts = [".*" if part == "**" else translate(part)[4:-3].replace(".*", "[^/]*") for part in simple.split("/")]
    body = "/".join(parts).replace(".*/", "(?:.*/)?")
    anywhere = "(?:.*/)?" if "/" not in simple else ""
    return re.compile(f"(?s:{anywhere}{body}(?:/.*)?)")
