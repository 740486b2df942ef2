"""Where a path of the target root leads: links are followed as they would be in a chroot."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Protocol

from provision.config.problems import Problem
from provision.failures import PlanRefused
from provision.planning.machine_view import MAX_LINKS, FileStatus, FileType

MAX_NAME, MAX_PATH = 255, 4095
"""Bytes in one component, and in a path (<linux/limits.h>, which counts the NUL after the path)."""


class Statuses(Protocol):
    """The part of a tree by which paths are resolved."""

    def file_status(self, path: str) -> FileStatus | None:
        """See TreeContents."""
        ...


class Unresolvable(PlanRefused):
    """A path leads nowhere: through something that is not a directory, or through a loop of links."""

    def __init__(self, message: str) -> None:
        super().__init__([Problem((), message, rule="unresolvable-path")])


def resolve_path(view: Statuses, path: str) -> str:
    """The path with every link on the way followed inside the root; its last component is not followed.

    Absolute targets start at the root and `..` never leaves it. Components that do not exist yet are taken as they
    are. Raises Unresolvable.
    """
    _refuse_impossible(path)
    pending = [part for part in reversed(path.split("/")) if part]
    here: list[str] = []
    links = 0
    while len(pending) > 1 or (pending and pending[-1] in {".", ".."}):
        part = pending.pop()
        if part in {".", ".."}:
            here = here[:-1] if part == ".." else here
            continue
        node = view.file_status(_join(here, part))
        if node is not None and node.kind is FileType.LINK:
            links += 1
            if links > MAX_LINKS:
                raise Unresolvable(f"{path}: too many links on the way")
            target = node.target or ""
            here = [] if target.startswith("/") else here
            pending += [step for step in reversed(target.split("/")) if step]
            continue
        if node is not None and node.kind is not FileType.DIRECTORY:
            raise Unresolvable(f"{path}: {_join(here, part)} is not a directory")
        here.append(part)
    return _join(here, pending[0]) if pending else "/" + "/".join(here)


def resolver(view: Statuses) -> Callable[[str], str]:
    """`resolve_path` for many paths on a view that does not change: each directory is followed once."""

    @cache
    def followed(folder: str) -> str:
        return resolve_path(view, f"{folder}/.").rstrip("/")

    def resolved(path: str) -> str:
        folder, _, name = path.rpartition("/")
        if name in {"", ".", ".."}:
            return resolve_path(view, path)
        _refuse_impossible(path)
        try:
            return f"{followed(folder)}/{name}"
        except Unresolvable:
            return resolve_path(view, path)  # raises with the whole path in the message

    return resolved


def followed(view: Statuses, path: str) -> str:
    """As `resolve_path`, and a link at the end is followed as well. Raises Unresolvable."""
    for _ in range(MAX_LINKS):
        resolved = resolve_path(view, path)
        node = view.file_status(resolved)
        if node is None or node.kind is not FileType.LINK:
            return resolved
        path = os.path.join(os.path.dirname(resolved), node.target or "")
    raise Unresolvable(f"{path}: too many links on the way")


def _refuse_impossible(path: str) -> None:
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise Unresolvable(f"{path!r}: no path can hold a NUL")
    if len(encoded) > MAX_PATH or max(map(len, encoded.split(b"/"))) > MAX_NAME:
        raise Unresolvable(f"{path}: a name may have {MAX_NAME} bytes, and a path {MAX_PATH}")


def missing_parents(view: Statuses, path: str) -> tuple[str, ...]:
    """The directories above a resolved path that do not exist yet, outermost first. Raises Unresolvable."""
    parts = path.split("/")[1:-1]
    parents = ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]
    existing = len(parents)
    while existing and view.file_status(parents[existing - 1]) is None:
        existing -= 1
    above = view.file_status(parents[existing - 1]) if existing else None
    if above is not None and above.kind is not FileType.DIRECTORY:
        raise Unresolvable(f"{path}: {parents[existing - 1]} is not a directory")
    return tuple(parents[existing:])


def depth(path: str) -> int:
    """How many components a path has; the root has none."""
    return len([part for part in path.split("/") if part])


def _join(parts: list[str], name: str) -> str:
    return "/" + "/".join((*parts, name))
