"""Local files that a config names, read from the files directory (-d)."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Mapping
from typing import NamedTuple

MAX_LOCAL = 256 * 1024 * 1024

NO_FILES_DIR = "local file paths are relative to a files directory that must be specified with -d/--files-dir"

ESCAPES = "local file path traverses outside the files directory"

LINK_ESCAPES = "a symbolic link on the path leads out of the files directory"


class LocalFileError(Exception):
    """A local file cannot be read. The message is for the author; `hint` says what to do, or is empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class FilesDirectory(NamedTuple):
    """The files directory (-d); empty if there is none. Paths outside it are refused; symlinks are followed.

    The paths that are asked for are added to `asked`, if that is given, also those of files that do not exist.
    `part_texts` are texts that count in place of those of files, by the real paths of the files.
    """

    directory: str
    asked: set[str] | None = None
    part_texts: Mapping[str, bytes] = {}

    def locate(self, local: str) -> str:
        """The path of a local file. Raises LocalFileError without a files directory, or if it is outside."""
        if not self.directory:
            raise LocalFileError(NO_FILES_DIR, hint="add -d with the directory of the local files, such as `-d .`")
        path = join_below(self.directory, local)
        base = posixpath.abspath(self.directory)
        if posixpath.abspath(path) != base and not posixpath.abspath(path).startswith(base.rstrip("/") + "/"):
            raise LocalFileError(ESCAPES)
        if self.asked is not None:
            self.asked.add(path)
        return path

    def locate_part(self, name: str) -> str:
        """The path of a part of the config. Raises LocalFileError, also if a link leads out of the files directory.

        Reports show lines of parts, and a link in a foreign repository may lead to any file of this machine.
        """
        path = self.locate(name)
        base = os.path.realpath(self.directory)
        if "\0" not in path and os.path.commonpath([base, os.path.realpath(path)]) != base:
            raise LocalFileError(LINK_ESCAPES, hint="copy the file, or choose a files directory (-d) that holds both")
        return path

    def read_part(self, path: str, limit: int) -> bytes:
        """The text of a part that `locate_part` has found. Raises LocalFileError if it cannot be read."""
        known = self.part_texts.get(os.path.realpath(path)) if self.part_texts else None
        return read_file(path, limit) if known is None else known

    def read(self, local: str) -> bytes:
        """The contents of the local file `local`. Raises LocalFileError if it cannot be read."""
        return read_file(self.locate(local))


def join_below(directory: str, name: str) -> str:
    """The path of `name` below `directory` in normal form, also if `name` begins with a slash."""
    simple = posixpath.normpath(f"{directory}/{name}")
    return "/" + simple.lstrip("/") if simple.startswith("//") else simple


def read_file(path: str, limit: int = MAX_LOCAL) -> bytes:
    """The contents of a file. Raises LocalFileError for a pipe, an unreadable file, or more than `limit` bytes."""
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):
            raise LocalFileError(f"read {path}: is a named pipe")
        with open(path, "rb") as file:
            contents = file.read(limit + 1)
    except (OSError, ValueError) as error:
        hint = "local files are read from the files directory (-d)" if isinstance(error, FileNotFoundError) else ""
        raise LocalFileError(butane_message(path, error), hint=hint) from None
    if len(contents) > limit:
        raise LocalFileError(f"read {path}: is larger than {limit >> 20} MiB, which is the limit")
    return contents


def butane_message(path: str, error: OSError | ValueError) -> str:
    """The message for an error of a path, in Butane's form."""
    if isinstance(error, IsADirectoryError):
        return f"read {path}: is a directory"
    reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "invalid argument"
    return f"open {path}: {reason}"
