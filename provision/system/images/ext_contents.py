"""Reads an ext2, ext3 or ext4 file system in a file by debugfs(8), which needs no rights and no mount."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from provision.planning.machine_view import Account, FileStatus, FileType, FreeSpace
from provision.planning.root.account_files import read_accounts
from provision.planning.root.target_paths import Unresolvable, resolve_path
from provision.system.programs import processes

PROGRAM = "debugfs"

_LIMIT = 16 << 20
"""At most so many bytes of a file or of a listing are read."""

_ENTRY = re.compile(rb"/([0-9]+)/([0-7]+)/([0-9]+)/([0-9]+)/(.*)/([0-9]*)/", re.DOTALL)
"""A line of `ls -p`: inode, mode, user, group, name, size (debugfs(8))."""

_TYPES = {0o100000: FileType.FILE, 0o040000: FileType.DIRECTORY, 0o120000: FileType.LINK}

_UNIT_FOLDER = "/etc/systemd/system"


class _Entry(NamedTuple):
    """A name in a directory; `inode` 2 is the root of every file system."""

    inode: int
    mode: int
    uid: int
    gid: int
    size: int


_ROOT = _Entry(2, 0o040755, 0, 0, 0)


class ExtContents:
    """The contents of the file system at `offset` (bytes) of a file, read-only; paths begin at its own root.

    The methods are those of `TreeContents`. Changes that are only in the journal are not seen.
    """

    def __init__(self, path: str, offset: int) -> None:
        self._image = f"{path}?offset={offset}"
        self._entries = cache(self._list)

    def file_status(self, path: str) -> FileStatus | None:
        """As in Contents."""
        entry = self._find(path)
        if entry is None:
            return None
        kind = _TYPES.get(entry.mode & 0o170000, FileType.OTHER)
        target = self._target(entry) if kind is FileType.LINK else None
        size = entry.size if kind is FileType.FILE else None
        return FileStatus(kind, entry.mode & 0o7777, entry.uid, entry.gid, target, size, (0, entry.inode))

    def children(self, path: str) -> Sequence[str]:
        """As in Contents."""
        entry = self._find(path)
        found = self._entries(entry.inode) if entry and _is_directory(entry) else {}
        return sorted(found)

    def content(self, path: str) -> bytes | None:
        """As in Contents."""
        entry = self._find(path)
        if entry is None or _TYPES.get(entry.mode & 0o170000) is not FileType.FILE or entry.size > _LIMIT:
            return None
        return self._ask(f"cat <{entry.inode}>")

    def user(self, name: str) -> Account | None:
        """As in Contents."""
        return self._account("user", "/etc/passwd", name)

    def group(self, name: str) -> Account | None:
        """As in Contents."""
        return self._account("group", "/etc/group", name)

    def free_space(self, path: str) -> FreeSpace | None:
        """As in Contents; the path does not matter."""
        del path
        said = self._ask("stats -h").decode(errors="replace")
        found = {name: value.strip() for name, _, value in (line.partition(":") for line in said.splitlines())}
        blocks, size = found.get("Free blocks", ""), found.get("Block size", "")
        return FreeSpace(self._image, int(blocks) * int(size)) if blocks.isdecimal() and size.isdecimal() else None

    def enabled(self, unit: str) -> bool:
        """Whether /etc has a link to the unit as `systemctl enable` makes it."""
        folders = [name for name in self.children(_UNIT_FOLDER) if name.endswith((".wants", ".requires"))]
        return any(unit in self.children(f"{_UNIT_FOLDER}/{folder}") for folder in folders)

    def _account(self, kind: str, path: str, name: str) -> Account | None:
        try:
            text = self.content(resolve_path(self, path)) or b""
        except Unresolvable:
            return None
        return next((one for one in read_accounts(kind, text) if one.name == name), None)

    def _find(self, path: str) -> _Entry | None:
        """The entry at a path whose parents are directories."""
        found: _Entry | None = _ROOT
        for name in (part for part in path.split("/") if part):
            if found is None or not _is_directory(found):
                return None
            found = self._entries(found.inode).get(name)
        return found

    def _list(self, inode: int) -> dict[str, _Entry]:
        found = {}
        for line in self._ask(f"ls -p <{inode}>").split(b"\n"):
            match = _ENTRY.fullmatch(line)
            if match and match[5] not in {b".", b".."}:
                name = match[5].decode(errors="surrogateescape")
                mode, size = int(match[2], 8), int(match[6] or b"0")
                found[name] = _Entry(int(match[1]), mode, int(match[3]), int(match[4]), size)
        return found

    def _target(self, entry: _Entry) -> str:
        """The target of a link; a short target is in the inode, and `stat` shows it."""
        said = self._ask(f"stat <{entry.inode}>")
        _, found, rest = said.partition(b'Fast link dest: "')
        target = rest[: entry.size] if found else self._ask(f"cat <{entry.inode}>")
        return target.decode(errors="surrogateescape")

    def _ask(self, request: str) -> bytes:
        """What debugfs writes to standard output; empty if it fails."""
        return processes.output_of([PROGRAM, "-R", request, self._image], b"", _LIMIT) or b""


def _is_directory(entry: _Entry) -> bool:
    return entry.mode & 0o170000 == 0o040000
