"""A source that asks a hypervisor. Its module is loaded only on a guest of that hypervisor."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, Protocol, cast

from provision.fetch.platforms.context import FetchContext


class Hypervisor(Protocol):
    """The functions of a module of this package; `delete` only if the hypervisor lets a guest delete its config."""

    def ask(self, context: FetchContext) -> bytes | None:
        """The config that the hypervisor has for this guest, or None. Raises FetchFailed."""
        ...

    def delete(self, context: FetchContext) -> None:
        """Remove the config from the hypervisor. Raises FetchFailed."""
        ...


class HypervisorQuery(NamedTuple):
    """A hypervisor that is asked for the config. `name` is its module in this package, `about` says how it is asked."""

    name: str
    about: str
    offline: bool = True

    def fetch(self, context: FetchContext) -> bytes | None:
        """The config that the hypervisor has for this guest."""
        return self._module().ask(context)

    def delete(self, context: FetchContext) -> None:
        """Remove the config from the hypervisor, so that no process in the guest can read it later."""
        self._module().delete(context)

    def describe(self) -> str:
        """How the hypervisor is asked."""
        return self.about

    def _module(self) -> Hypervisor:
        return cast("Hypervisor", import_module(f"{__package__}.{self.name}"))
