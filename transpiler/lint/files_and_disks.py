"""Lints about files, disks and local files."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from functools import cache
from typing import Any

from provision.config.model import Field, Record
from provision.config.problems import Path, Problem
from transpiler.lint.source import LintInput, remark


def below_files(source: LintInput) -> Iterator[Problem]:
    """Warnings about nodes below the path of a file."""
    storage = source.record.storage
    files = {
        (_filesystem(file), _simple(file.path)): index
        for index, file in enumerate(storage.files)
        if len(file.path) <= PATH_MAX
    }
    for kind in ("directories", "files", "links"):
        for index, node in enumerate(getattr(storage, kind)):
            on = _filesystem(node)
            above = next((one for one in _parents(node.path) if (on, one) in files), "")
            if above:
                message = f"this path is below {above}, but storage.files[{files[on, above]}] makes {above} a file"
                hint = "change one of the two paths"
                yield remark(("storage", kind, index, "path"), "path-below-file", message, hint)


def closed_directories(source: LintInput) -> Iterator[Problem]:
    """Warnings about directories that can be listed, but not entered."""
    for index, directory in enumerate(source.record.storage.directories):
        mode = directory.mode
        if mode is not None and 0 <= mode <= 0o777 and mode & 0o444 and not mode & 0o111:
            entered = mode | (mode & 0o444) >> 2
            message = "only root can enter this directory: its mode has no x bit"
            yield remark(("storage", "directories", index, "mode"), "closed-directory", message, f"write 0{entered:o}")


PATH_MAX = 4096
"""The longest path of Linux in bytes (`limits.h`)."""


def _filesystem(node: Record) -> str:
    """The name of the file system that a node of a Container Linux Config is on; empty for the root."""
    name: str = getattr(node, "filesystem", "")
    return "" if name == "root" else name


def _simple(path: str) -> str:
    return "/" + posixpath.normpath(path).strip("/")


def _parents(path: str) -> Iterator[str]:
    """The directories above an absolute path, the nearest first, without the root."""
    if path.startswith("/") and len(path) <= PATH_MAX:
        parts = _simple(path).split("/")
        yield from ("/".join(parts[:length]) for length in range(len(parts) - 1, 1, -1))


def numbers_out_of_range(source: LintInput) -> Iterator[Problem]:
    """Warnings about numbers out of range: of partitions, and ids of accounts and owners."""
    return _out_of_range(source.record, ())


@cache
def _fields_with_limits(kind: Any) -> tuple[Field, ...]:
    """The fields of a class of records that have limits for authors, and those whose records have such fields."""
    return tuple(one for one in kind.FIELDS if one.author_limits or (one.record and _fields_with_limits(one.record)))


def _out_of_range(record: Record, path: Path) -> Iterator[Problem]:
    kind: Any = type(record)
    for field in _fields_with_limits(kind):
        value = record.__dict__.get(field.name)
        if isinstance(value, Record):
            yield from _out_of_range(value, (*path, field.name))
        elif field.record is not None and field.many:
            for index, one in enumerate(value or ()):
                yield from _out_of_range(one, (*path, field.name, index))
        elif field.author_limits and value is not None:
            yield from _range_problems(field, value, (*path, field.name))


def _range_problems(field: Field, value: int, path: Path) -> Iterator[Problem]:
    maximum = field.author_limits.get("maximum")
    if value < field.author_limits["minimum"]:
        hint = "0 fills the largest free block" if field.name == "size_mib" else "write a number that is not negative"
        yield remark(path, "negative-number", f"{field.name} is negative", hint)
    elif maximum is not None and value > maximum:
        yield remark(path, "large-number", f"{field.name} is too large", f"the largest is {maximum}")


def links_leaving_files_dir(source: LintInput) -> Iterator[Problem]:
    """Warnings about local files that a symlink leads to outside the files directory."""
    if not source.files_dir:
        return
    base = os.path.realpath(source.files_dir)
    for path, local in _locals(source):
        if "\0" in local:
            continue  # no path: that is reported as an error
        target = os.path.realpath(f"{base}/{local}")
        if target != base and not target.startswith(base.rstrip("/") + "/"):
            message = f"{local} is a symlink to a path outside the files directory"
            hint = "copy the file into the directory: on other machines it may be missing or different"
            yield remark(path, "outward-link", message, hint)


def _locals(source: LintInput) -> Iterator[tuple[Path, str]]:
    """Every local file that a config names: the path of the field and its value."""
    storage, systemd, passwd = source.record.storage, source.record.systemd, source.record.passwd
    for index, file in enumerate(storage.files):
        path: Path = ("storage", "files", index)
        yield from _local(file.contents, (*path, "contents"))
        for number, part in enumerate(file.append):
            yield from _local(part, (*path, "append", number))
    for index, tree in enumerate(getattr(storage, "trees", ())):
        yield from _local(tree, ("storage", "trees", index))
    for index, volume in enumerate(storage.luks):
        yield from _local(volume.key_file, ("storage", "luks", index, "key_file"))
    for kind in ("units", "quadlets"):
        for index, unit in enumerate(getattr(systemd, kind, ())):
            path = ("systemd", kind, index)
            yield from _local(unit, path, "contents_local")
            for number, dropin in enumerate(unit.dropins):
                yield from _local(dropin, (*path, "dropins", number), "contents_local")
    for index, user in enumerate(passwd.users):
        for number, name in enumerate(user.ssh_authorized_keys_local):
            yield ("passwd", "users", index, "ssh_authorized_keys_local", number), name


def _local(record: object, path: Path, name: str = "local") -> Iterator[tuple[Path, str]]:
    value = getattr(record, name, None)
    if value:
        yield (*path, name), value
