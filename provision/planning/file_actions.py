"""The actions on files, directories and links of the target root."""

from __future__ import annotations

from typing import NamedTuple

from provision.config.problems import Path
from provision.planning.arguments import Bytes
from provision.planning.facts import Fact, FileFact
from provision.planning.machine_view import FileStatus, FileType


class WriteFile(NamedTuple):
    """Put a file in place: whole, with its owner and mode, or not at all.

    The file gets the bytes of `parts`, one after the other. With `keep` they go after the bytes that are there already;
    a file that is kept and gets no bytes only changes its owner and mode, and stays the same file under all its names.
    `parents` are directories that are missing above it, outermost first; they are made 0755 root:root. Ids are numbers;
    in a forecast the id of an account that does not exist yet is None. An `exclusive` file replaces nothing: what has
    appeared since the plan was made stays, and the action fails.
    """

    path: str
    parts: tuple[Bytes, ...]
    mode: int = 0o644
    uid: int | None = 0
    gid: int | None = 0
    keep: bool = False
    parents: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    config_path: Path = ()
    destroys: str = ""
    exclusive: bool = False

    @property
    def title(self) -> str:
        """Path and mode."""
        verb = "write" if not self.keep else "append to" if self.parts else "change owner or mode of"
        return f"{verb} {self.path} ({self.mode:04o})"

    def touches(self) -> frozenset[str]:
        """The path."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """The file, the directories above it, and what its contents mean (`facts`)."""
        node = FileStatus(FileType.FILE, self.mode, self.uid, self.gid)
        return (*_made(self.parents), FileFact(self.path, node), *self.facts)


class MakeDirectory(NamedTuple):
    """Make a directory, or give one its owner and mode."""

    path: str
    mode: int = 0o755
    uid: int | None = 0
    gid: int | None = 0
    parents: tuple[str, ...] = ()
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """Path and mode."""
        return f"make directory {self.path} ({self.mode:04o})"

    def touches(self) -> frozenset[str]:
        """The path."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """A directory, and those above it."""
        return (
            *_made(self.parents),
            FileFact(self.path, FileStatus(FileType.DIRECTORY, self.mode, self.uid, self.gid)),
        )


class MakeSymlink(NamedTuple):
    """Make a symbolic link; its target is written as it is given. An `exclusive` link replaces nothing."""

    path: str
    target: str
    uid: int | None = 0
    gid: int | None = 0
    parents: tuple[str, ...] = ()
    config_path: Path = ()
    destroys: str = ""
    exclusive: bool = False

    @property
    def title(self) -> str:
        """Path and target."""
        return f"link {self.path} -> {self.target}"

    def touches(self) -> frozenset[str]:
        """The path."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """A link, and the directories above it."""
        node = FileStatus(FileType.LINK, 0o777, self.uid, self.gid, target=self.target)
        return (*_made(self.parents), FileFact(self.path, node))


class MakeHardLink(NamedTuple):
    """Make another name for an existing file. `target` is its path in the target root, `node` its status.

    An `exclusive` link replaces nothing.
    """

    path: str
    target: str
    node: FileStatus = FileStatus(FileType.FILE)
    parents: tuple[str, ...] = ()
    config_path: Path = ()
    destroys: str = ""
    exclusive: bool = False

    @property
    def title(self) -> str:
        """Path and target."""
        return f"hard-link {self.path} to {self.target}"

    def touches(self) -> frozenset[str]:
        """The path."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """The same node, and the directories above it."""
        return (*_made(self.parents), FileFact(self.path, self.node))


class RemovePath(NamedTuple):
    """Remove whatever is at a path, with everything below it. It never follows a link or crosses into another mount."""

    path: str
    config_path: Path = ()
    destroys: str = ""

    @property
    def title(self) -> str:
        """The path."""
        return f"remove {self.path}"

    def touches(self) -> frozenset[str]:
        """The path."""
        return frozenset({self.path})

    def effect(self) -> tuple[Fact, ...]:
        """Nothing is there."""
        return (FileFact(self.path, None),)


FileAction = WriteFile | MakeDirectory | MakeSymlink | MakeHardLink | RemovePath
FILE_ACTIONS = (WriteFile, MakeDirectory, MakeSymlink, MakeHardLink, RemovePath)
"""Actions on files: many of them can share one wait for the disk."""


def _made(parents: tuple[str, ...]) -> tuple[Fact, ...]:
    return tuple(FileFact(path, FileStatus(FileType.DIRECTORY, 0o755, 0)) for path in parents)
