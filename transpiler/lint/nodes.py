"""Lints about files, disks and local files."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator

from provision.config.problems import Path, Problem
from transpiler.lint.source import LintInput, remark


def below_files(source: LintInput) -> Iterator[Problem]:
    """Something below a path at which a file is written."""
    storage = source.record.storage
    files = {posixpath.normpath(file.path): index for index, file in enumerate(storage.files) if file.path}
    for kind in ("directories", "files", "links"):
        for index, node in enumerate(getattr(storage, kind)):
            above = posixpath.dirname(posixpath.normpath(node.path)) if node.path.startswith("/") else "/"
            while len(above) > 1:
                if above in files:
                    message = f"this lies below {above}, which storage.files[{files[above]}] makes a file"
                    hint = "a path is a file or a directory: correct one of the two"
                    yield remark(("storage", kind, index, "path"), "below-file", message, hint)
                    break
                above = posixpath.dirname(above)


_NUMBERS = ("number", "size_mib", "start_mib")


def negative_numbers(source: LintInput) -> Iterator[Problem]:
    """Sizes, starts and numbers of partitions, ids of accounts and owners, and counts, below zero."""
    for index, disk in enumerate(source.record.storage.disks):
        for number, partition in enumerate(disk.partitions):
            path: Path = ("storage", "disks", index, "partitions", number)
            yield from _negative(partition, _NUMBERS, path)
    for kind, names in (("users", ("uid",)), ("groups", ("gid",))):
        for index, account in enumerate(getattr(source.record.passwd, kind)):
            yield from _negative(account, names, ("passwd", kind, index))
    for kind in ("files", "directories", "links"):
        for index, node in enumerate(getattr(source.record.storage, kind)):
            for owner in ("user", "group"):
                yield from _negative(getattr(node, owner), ("id",), ("storage", kind, index, owner))
    for index, array in enumerate(source.record.storage.raid):
        yield from _negative(array, ("spares",), ("storage", "raid", index))


def _negative(record: object, names: tuple[str, ...], path: Path) -> Iterator[Problem]:
    for name in names:
        value = getattr(record, name)
        if value is not None and value < 0:
            hint = "0 fills the largest free block" if name == "size_mib" else "write a number that is not negative"
            yield remark((*path, name), "negative-number", f"{name} is negative", hint)


def links_out(source: LintInput) -> Iterator[Problem]:
    """Local files that are reached by a link out of the files directory."""
    if not source.files_dir:
        return
    base = os.path.realpath(source.files_dir)
    for path, local in _locals(source):
        target = os.path.realpath(f"{base}/{local}")
        if target != base and not target.startswith(base.rstrip("/") + "/"):
            message = f"{local} is a link that leads out of the files directory"
            hint = "other machines may have another file there, or none: copy it into the directory"
            yield remark(path, "link-out", message, hint)


def _locals(source: LintInput) -> Iterator[tuple[Path, str]]:
    """Every local file that a config names, with the path of its name."""
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
