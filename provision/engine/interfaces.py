"""What the engine asks of a machine, and of whoever brings bytes."""

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
    """The machine: the one seam through which anything is changed."""

    def apply(self, action: Action) -> None:
        """Carry out one action. Raises ActionFailed."""
        ...

    def apply_nodes(self, actions: Sequence[FileAction]) -> None:
        """Carry out many actions on the tree that touch disjoint paths. Raises ActionFailed."""
        ...

    def new_blob(self, blob: Blob, destination: str) -> AbstractContextManager[BinaryIO]:
        """A place for the bytes of a blob; they are kept when the context ends well."""
        ...

    def append_digests(self, action: WriteFile) -> tuple[str, str]:
        """Digests of a file's content as it is, and as it will be with the parts of an action behind it.

        Raises ActionFailed.
        """
        ...


class RecordFile(Protocol):
    """The file of a record (`history`), which no link leads out of the target root. Its methods raise Failure."""

    @property
    def path(self) -> str:
        """The path as this machine names it, for messages."""
        ...

    def read(self) -> bytes | None:
        """The whole content; None if there is no file."""
        ...

    def write(self, offset: int, data: bytes, *, wait: bool = True) -> None:
        """Cut the file off at an offset and write the rest. With `wait` both are on the disk afterwards."""
        ...

    def replace(self, data: bytes) -> None:
        """Put a whole new file in its place in one step."""
        ...


class Fetcher(Protocol):
    """Where bytes come from: the other seam."""

    def copy(self, resource: Resource, into: BinaryIO) -> None:
        """Stream the verified bytes of a resource. Raises FetchFailed."""
        ...

    def cancel(self) -> None:
        """Let everything that is being fetched fail now."""
        ...
