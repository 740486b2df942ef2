"""`storage.trees`: a directory of local files as files, directories and links.

Source: coreos/butane `base/*/translate.go`.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from typing import Any, NamedTuple

from provision.config.format import Directory, File, Link
from provision.config.problems import Path, Problem
from transpiler.butane.records import Tree
from transpiler.butane.source_map import Draft, SourcePath
from transpiler.butane.sugar.data_url import data_url
from transpiler.butane.sugar.sugar_input import SugarInput
from transpiler.reading.local_files import FilesDirectory, LocalFileError, butane_message, join_below, read_file

EXISTS = "matching filesystem node has existing contents or different type"
NOT_A_DIRECTORY = "root of tree must be a directory"
WRONG_TYPE = "trees may only contain files, directories, and symlinks"


def trees(source: SugarInput, draft: Draft) -> tuple[Draft, list[Problem]]:
    """Returns the draft with all trees, and problems of paths and local files. New nodes follow the author's own."""
    found, files = source.record.storage.trees, source.files
    if not found:
        return draft, []
    nodes = DraftNodes(draft, gzip=source.gzip)
    problems: list[Problem] = []
    for index, tree in enumerate(found):
        path: Path = ("storage", "trees", index)
        try:
            for entry in _walk(_base(tree, files), tree, path):
                problems.extend(_added(entry, nodes))
        except LocalFileError as error:
            problems.append(Problem(path, str(error), hint=error.hint))
        if not files.directory:
            break
    return nodes.draft(), problems


class TreeEntry(NamedTuple):
    """A node of a tree: local path, path on the target, the result or error of `lstat`, and the author's path."""

    local: str
    target: str
    found: os.stat_result | OSError | ValueError
    tree: Tree
    source: Path


def _base(tree: Tree, files: FilesDirectory) -> str:
    base = files.locate(tree.local)
    try:
        is_directory = stat.S_ISDIR(os.stat(base).st_mode)
    except (OSError, ValueError) as error:
        raise LocalFileError(butane_message(base, error).replace("open ", "stat ", 1)) from None
    if not is_directory:
        raise LocalFileError(NOT_A_DIRECTORY)
    return base


def _walk(base: str, tree: Tree, source: Path) -> Iterator[TreeEntry]:
    """The directory and everything below it. Names are sorted by bytes; a directory comes before its entries."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        local = f"{base}/{below}" if below else base
        found: os.stat_result | OSError | ValueError
        names: list[str] = []
        try:
            found = os.lstat(local)
            names = os.listdir(local) if stat.S_ISDIR(found.st_mode) else []
        except (OSError, ValueError) as error:
            found = error
        yield TreeEntry(local, _target(tree.path or "/", below), found, tree, source)
        names.sort(key=os.fsencode, reverse=True)
        waiting.extend(f"{below}/{name}" if below else name for name in names)


def _target(base: str, below: str) -> str:
    """The path on the target. Bytes that are not UTF-8 are kept; the JSON encoder replaces them."""
    return join_below(base, below) if base.startswith("/") else posixpath.normpath(f"{base}/{below}")


def _added(entry: TreeEntry, nodes: DraftNodes) -> Iterator[Problem]:
    try:
        if isinstance(entry.found, os.stat_result):
            _ADD_BY_KIND.get(stat.S_IFMT(entry.found.st_mode), _refuse)(entry, entry.found, nodes)
        else:
            yield Problem(entry.source, butane_message(entry.local, entry.found))
    except LocalFileError as error:
        yield Problem(entry.source, str(error), hint=error.hint)


def _add_file(entry: TreeEntry, found: os.stat_result, nodes: DraftNodes) -> None:
    if not nodes.can_fill(entry.target):
        raise LocalFileError(EXISTS)
    mode = entry.tree.file_mode
    if mode is None:
        mode = 0o755 if found.st_mode & 0o111 else 0o644
    nodes.set_contents(entry.target, read_file(entry.local), mode, _owners(entry.tree), entry.source)


def _add_directory(entry: TreeEntry, _found: os.stat_result, nodes: DraftNodes) -> None:
    owners, mode = _owners(entry.tree), entry.tree.dir_mode
    if mode is None and not owners:
        return
    if nodes.kind_at(entry.target):
        raise LocalFileError(EXISTS)
    directory = Directory(path=entry.target, mode=0o755 if mode is None else mode, **owners)
    nodes.add("directories", directory, entry.source)


def _add_link(entry: TreeEntry, _found: os.stat_result, nodes: DraftNodes) -> None:
    try:
        points_at = os.readlink(entry.local)
    except OSError as error:
        raise LocalFileError(butane_message(entry.local, error)) from None
    nodes.link(entry.target, points_at, _owners(entry.tree), entry.source)


def _refuse(_entry: TreeEntry, _found: os.stat_result, _nodes: DraftNodes) -> None:
    raise LocalFileError(WRONG_TYPE)


_ADD_BY_KIND = {stat.S_IFREG: _add_file, stat.S_IFDIR: _add_directory, stat.S_IFLNK: _add_link}


def _owners(tree: Tree) -> dict[str, Any]:
    return {name: owner for name in ("user", "group") if not (owner := getattr(tree, name)).is_empty}


class DraftNodes:
    """The files, directories and links of a draft by path; sugar adds to them."""

    def __init__(self, draft: Draft, *, gzip: bool) -> None:
        storage = draft.config.storage
        self.before = draft
        self.gzip = gzip
        self.lists: dict[str, list[Any]] = {name: list(getattr(storage, name)) for name in _KINDS}
        self.at = {(kind, node.path): index for kind in _KINDS for index, node in enumerate(self.lists[kind])}
        self.origins: dict[Path, SourcePath] = {}

    def draft(self) -> Draft:
        """The draft with the added nodes."""
        config = self.before.config
        lists = {name: tuple(nodes) for name, nodes in self.lists.items() if nodes}
        return self.before.with_step(config.changed(storage=config.storage.changed(**lists)), self.origins)

    def kind_at(self, path: str) -> str | None:
        """The kind of the node that the draft has at a path (`files`, `directories` or `links`), or None."""
        return next((kind for kind in _KINDS if (kind, path) in self.at), None)

    def add(self, kind: str, node: Any, source: Path) -> None:
        """Add a node at a path that is free."""
        index = self.at[kind, node.path] = len(self.lists[kind])
        self.lists[kind].append(node)
        self.origins["storage", kind, index] = SourcePath(source)
        if index == 0:
            self.origins["storage", kind] = SourcePath(source)

    def set_path_source(self, path: str, source: Path) -> None:
        """Set the author's path for the path of a node."""
        kind = self.kind_at(path)
        if kind:
            self.origins["storage", kind, self.at[kind, path], "path"] = SourcePath(source)

    def can_fill(self, path: str) -> bool:
        """Whether a file can get contents from a tree: it has none yet, and no other kind of node has its path."""
        index = self.at.get(("files", path))
        if index is None:
            return self.kind_at(path) is None
        return not self.lists["files"][index].contents.source

    def set_contents(self, path: str, contents: bytes, mode: int, owners: dict[str, Any], source: Path) -> None:
        """Set the contents of a file, and its mode if it has none. A missing file is added first."""
        index = self.at.get(("files", path))
        if index is None:
            self.add("files", File(path=path, **owners), source)
            index = self.at["files", path]
        file = self.lists["files"][index]
        compression = file.contents.compression
        url = data_url(contents, compression, gzip=self.gzip)
        changes = {"source": url.source} if url.compression is None else url._asdict()
        place: Path = ("storage", "files", index)
        for name in changes:
            self.origins[(*place, "contents", name)] = SourcePath(source)
        file = file.changed(contents=file.contents.changed(**changes))
        if file.mode is None:
            file = file.changed(mode=mode)
            self.origins[(*place, "mode")] = SourcePath(source)
        self.lists["files"][index] = file

    def link(self, path: str, target: str, owners: dict[str, Any], source: Path) -> None:
        """Add a link, or set the target of a link without one. Raises LocalFileError if the path is in use."""
        index = self.at.get(("links", path))
        if index is None:
            if self.kind_at(path):
                raise LocalFileError(EXISTS)
            self.add("links", Link(path=path, target=target, **owners), source)
            return
        link = self.lists["links"][index]
        if link.target:
            raise LocalFileError(EXISTS)
        self.lists["links"][index] = link.changed(target=target)
        self.origins["storage", "links", index, "target"] = SourcePath(source)


_KINDS = ("directories", "files", "links")
