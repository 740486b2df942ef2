"""What programs and files get: bytes, and arguments that the system replaces by names of the running machine."""

from __future__ import annotations

from typing import NamedTuple


class Blob(NamedTuple):
    """Bytes in the blob store, where an earlier `FetchBlob` or `StoreBlob` put them under this name."""

    name: str


class Content(NamedTuple):
    """Bytes that the plan already has."""

    data: bytes

    def __repr__(self) -> str:
        return f"Content({len(self.data)} bytes)"


Bytes = Blob | Content


class TargetPath(NamedTuple):
    """A path of the target root as an argument of a program; the system puts the path of the root in front of it."""

    path: str


class DeviceName(NamedTuple):
    """A device as an argument of a program; the system replaces it by the kernel's node."""

    name: str


class KeyFile(NamedTuple):
    """Bytes as an argument of a program: the program gets the name of a file in memory (0600) that holds them."""

    bytes: Bytes


class PathList(NamedTuple):
    """Paths of the target root as the input of a program: each after the path of the root, with a NUL at its end."""

    paths: tuple[str, ...]


Argument = str | TargetPath | DeviceName | KeyFile
