"""Rules about files, directories and links, and about parts of storage that depend on each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from posixpath import normpath

from provision.config.format import MAX_MODE, Directory, File, Link, Node, Owner, Storage
from provision.config.model import VERSIONS, minor
from provision.config.problems import Problem
from provision.config.rules.declare import (
    FILLED,
    NUMBER,
    TEXT,
    TRUE,
    Keywords,
    has,
    never,
    required,
    rule,
    versioned_rule,
)

_SPECIAL_BITS = "setuid/setgid/sticky bits are not supported or functional in spec versions older than 3.6.0"


ABSOLUTE_PATH = {
    "pattern": r"^/$|^(?:/(?!\.\.?(?:/|$))[^/]+)+$",
    "patternErrorMessage": "must be an absolute path without `.`, `..`, `//` and a trailing `/`",
}
"""The paths that `path_error` accepts, as keywords of JSON Schema."""

PATH_OR_EMPTY = {**ABSOLUTE_PATH, "pattern": f"^$|{ABSOLUTE_PATH['pattern']}"}


_PATH_MAX = 4096
"""linux/limits.h"""


def path_error(path: str) -> str:
    """Why a path is not absolute and simple, in Ignition's words; empty if it is."""
    if path == "":
        return "path not specified"
    if not path.startswith("/"):
        return "path not absolute"
    return "" if _is_clean(path) else "path is not fully simplified"


def _is_clean(path: str) -> bool:
    """Whether Go's `path.Clean` would leave an absolute path as it is."""
    if path == "/" or ("//" not in path and "/." not in path and not path.endswith("/")):
        return True
    return not (path.endswith(("/", "/.", "/..")) or "//" in path or "/./" in path or "/../" in path)


def _clean(path: str) -> str:
    """The shortest name of a path, as Go's `path.Clean` gives it (POSIX keeps two leading slashes, Go does not)."""
    return normpath("/" + path.lstrip("/") if path.startswith("/") else path)


def bad_path(path: str, name: str) -> Iterator[Problem]:
    """The problem of a path, if any."""
    if message := path_error(path):
        hint = f"write {_clean(path)}" if path.startswith("/") and len(path) <= _PATH_MAX else ""
        yield Problem((name,), message, hint=hint)


def choice_hint(value: str, choices: dict[str, str], version: int) -> str:
    """A hint for an unknown value: the version that introduced it, or the values that this version knows."""
    if value in choices:
        return f"{value} needs {VERSIONS[minor(choices[value])]}; this config says {VERSIONS[version]}"
    return f"one of {', '.join(name for name, since in choices.items() if minor(since) <= version)}"


@rule(Storage)
def nothing_lies_below_a_link(storage: Storage) -> Iterator[Problem]:
    """No directory, file or link is written through a link of the config."""
    above = _links_above(storage.links, (*storage.directories, *storage.files))
    for name, message, nodes in (
        ("directories", "directory path includes link in config", storage.directories),
        ("files", "file path includes link in config", storage.files),
    ):
        for index, node in enumerate(nodes if above else ()):
            for _ in range(min(above.get(node.path, 0), _MAX_REPEATS)):
                yield Problem((name, index), message)


def _link_keywords(version: int) -> Keywords:
    return {"properties": {"links": {"items": required("target")}}} if version >= _TARGET_REQUIRED else {}


@versioned_rule(Storage, schema=_link_keywords, schema_in_yaml=False)
def links_are_sound(storage: Storage, version: int) -> Iterator[Problem]:
    """Links do not lie below links, have a target (required since 3.3), and hard ones do not point at directories."""
    above = _links_above(storage.links, storage.links)
    directories = Counter(directory.path for directory in storage.directories)
    for index, link in enumerate(storage.links):
        for _ in range(min(above.get(link.path, 0), _MAX_REPEATS)):
            yield Problem(("links", index), "link path includes link in config")
        if not link.target and version >= _TARGET_REQUIRED:
            yield Problem(("links", index, "target"), "link target is required")
        elif link.hard:
            for _ in range(directories[_hard_target(link)]):
                yield Problem(("links", index), "hard link target is a directory")
            for problem in _useless_owner(link):
                yield problem.under("links", index)


_TARGET_REQUIRED = 3


_MAX_REPEATS = 100
"""Ignition reports a path once for each link above it. A hostile config may have thousands of links above each path."""


def _links_above(links: Sequence[Link], nodes: Sequence[Node]) -> dict[str, int]:
    """For the path of every node that leads through links of the config, how many they are.

    In sorted order each path comes after those that lead to it, so one pass with a stack is enough.
    """
    own = Counter(f"{link.path}/" for link in links)
    tops = {_top(link.path) for link in links}
    may_lie_below = (f"{node.path}/" for node in nodes if _top(node.path) in tops or "" in tops)
    below = {key for key in may_lie_below if key not in own}
    counts: dict[str, int] = {}
    stack: list[tuple[str, int]] = []
    for key in sorted({*own, *below}):
        while stack and not key.startswith(stack[-1][0]):
            stack.pop()
        total = stack[-1][1] if stack else 0
        if total:
            counts[key[:-1]] = total
        if own[key]:
            stack.append((key, total + own[key]))
    return counts


def _top(path: str) -> str:
    """The first component of a path, with the slash before it."""
    end = path.find("/", 1)
    return path if end < 0 else path[:end]


def _hard_target(link: Link) -> str:
    target = _clean(link.target or "")
    if target.startswith("/"):
        return target
    parts = [part for part in (link.path, link.target) if part]
    return _clean("/".join(parts)) if parts else ""


def _useless_owner(link: Link) -> Iterator[Problem]:
    """A hard link has the owner of what it points at."""
    for kind, owner in (("user", link.user), ("group", link.group)):
        for name, value in (("id", owner.id), ("name", owner.name)):
            if value is not None:
                yield Problem((kind, name), "user/group ignored for hard link", fatal=False)


@rule(Storage)
def filesystem_respects_the_table(storage: Storage) -> Iterator[Problem]:
    """A file system on a whole disk overwrites no partitions, and is wiped itself if the disk's table is wiped."""
    disks = {disk.device: disk for disk in storage.disks}
    for index, filesystem in enumerate(storage.filesystems):
        disk = disks.get(filesystem.device)
        if disk is None:
            continue
        path = ("filesystems", index, "device")
        if disk.partitions:
            yield Problem(path, "filesystem overwrites partitioned device", fatal=False)
        elif disk.wipe_table and not filesystem.wipe_filesystem:
            message = "device matches disk with wipeTable enabled; filesystem will be wiped"
            yield Problem(path, message, fatal=False)


@rule(Node, schema=required("path", **ABSOLUTE_PATH))
def node_has_a_path(node: Node) -> Iterator[Problem]:
    """Files, directories and links lie at an absolute, simple path."""
    yield from bad_path(node.path, "path")


@rule(Owner, schema=never(has("id", NUMBER), has("name", FILLED)))
def owner_is_by_id_or_name(owner: Owner) -> Iterator[Problem]:
    """An owner has an id or a name, not both."""
    if owner.id is not None and owner.name:
        yield Problem((), "cannot set both id and name")


@versioned_rule(File)
def file_mode_is_legal(file: File, version: int) -> Iterator[Problem]:
    """The mode is at most 07777; its first digit has no effect before 3.6."""
    yield from _bad_mode(file.mode, version)


@versioned_rule(Directory)
def directory_mode_is_legal(directory: Directory, version: int) -> Iterator[Problem]:
    """The mode is at most 07777; its first digit has no effect before 3.6."""
    yield from _bad_mode(directory.mode, version)


def _bad_mode(mode: int | None, version: int) -> Iterator[Problem]:
    if mode is None:
        return
    if not 0 <= mode <= MAX_MODE:
        yield Problem(("mode",), "illegal file mode", hint=_octal_hint(mode))
    if mode & 0o7000 and version < _SPECIAL_BITS_ACT:
        yield Problem(("mode",), _SPECIAL_BITS, fatal=False, hint=_octal_hint(mode))


_SPECIAL_BITS_ACT = 6


def _octal_hint(mode: int) -> str:
    """A hint for those who write octal digits as a decimal number: 0644 is 420."""
    digits = str(mode)
    if not set(digits) <= set("01234567") or int(digits, 8) > MAX_MODE:
        return "modes are decimal in JSON: 0644 is 420"
    return f"decimal {digits} is octal {mode:o}; octal {digits} is decimal {int(digits, 8)}"


@rule(File, schema=never(has("overwrite", TRUE), {"not": has("contents.source", TEXT)}), schema_in_yaml=False)
def overwriting_needs_contents(file: File) -> Iterator[Problem]:
    """A file that overwrites has contents with a source."""
    if file.overwrite and file.contents.source is None:
        yield Problem(("overwrite",), "overwrite must be false if source is unspecified")


RULES = (
    nothing_lies_below_a_link,
    links_are_sound,
    filesystem_respects_the_table,
    node_has_a_path,
    owner_is_by_id_or_name,
    file_mode_is_legal,
    directory_mode_is_legal,
    overwriting_needs_contents,
)
