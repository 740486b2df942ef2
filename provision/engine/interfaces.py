"""What the engine asks of a machine, and of whoever brings bytes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from provision.config.format import Resource
from provision.planning.actions import Action, Blob, NodeAction
from provision.planning.machine_view import MachineView


class System(MachineView, Protocol):
    """The machine: the one seam through which anything is changed."""

    def apply(self, action: Action) -> None:
        """Carry out one action. Raises ActionFailed."""
        ...

    def apply_nodes(self, actions: Sequence[NodeAction]) -> None:
        """Carry out many actions on the tree that touch disjoint paths. Raises ActionFailed."""
        ...

    def new_blob(self, blob: Blob, destination: str) -> AbstractContextManager[BinaryIO]:
        """A place for the bytes of a blob; they are kept when the context ends well."""
        ...


class Fetcher(Protocol):
    """Where bytes come from: the other seam."""

    def copy(self, resource: Resource, into: BinaryIO) -> None:
        """Stream the verified bytes of a resource. Raises FetchFailed."""
        ...

    def cancel(self) -> None:
        """Let what is being fetched fail: nobody waits for it any more."""
        ...
