"""What the engine needs: a machine, a fetcher, and a file for the record."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from provision.config.format import Resource
from provision.planning.actions import Action
from provision.planning.arguments import Blob
from provision.planning.file_actions import FileAction, WriteFile
from provision.planning.machine_view import MachineView


class System(MachineView, Protocol):
    """The machine. The engine changes things only through these methods."""

    def apply(self, action: Action) -> None:
        """Carry out one action. Raises ActionFailed."""
        ...

    def apply_nodes(self, actions: Sequence[FileAction]) -> None:
        """Carry out many actions on the tree that touch disjoint paths. Raises ActionFailed."""
        ...

    def new_blob(self, blob: Blob, destination: str) -> AbstractContextManager[BinaryIO]:
        """A file for the bytes of a blob; they are kept if the block ends without an exception."""
        ...

    def append_digests(self, action: WriteFile) -> tuple[str, str]:
        """SHA-256 of a file's content now, and of the content with the parts of the action appended.

        Raises ActionFailed.
        """
        ...


class RecordFile(Protocol):
    """The file of a record (`history`); links in its path cannot leave the target root. Its methods raise Failure."""

    @property
    def path(self) -> str:
        """The path on this machine, for messages."""
        ...

    def read(self) -> bytes | None:
        """The whole content; None if there is no file."""
        ...

    def write(self, offset: int, data: bytes, *, wait: bool = True) -> None:
        """Truncate the file to `offset` bytes and append `data`. With `wait` both are on the disk afterwards."""
        ...

    def replace(self, data: bytes) -> None:
        """Replace the file by a new one in one step."""
        ...


class Fetcher(Protocol):
    """Fetches the bytes of resources."""

    def copy(self, resource: Resource, into: BinaryIO) -> None:
        """Stream the verified bytes of a resource. Raises FetchFailed."""
        ...

    def cancel(self) -> None:
        """Make every fetch that is running fail now."""
        ...
