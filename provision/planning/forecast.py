"""The machine as it will be: a view with the effects of planned actions laid over what is there now.

`plan` is all stages run against a forecast; preflight is the same run to its end before the first change. No action
is carried out on a forecast, so there is no dry-run flag anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

from provision.planning.machine_view import (
    Account,
    Device,
    Fact,
    FileStatus,
    FreeSpace,
    LuksHeader,
    MachineView,
    Memory,
    MountedFilesystem,
    PartitionTable,
    Signature,
    Value,
)

T = TypeVar("T")


class Forecast:
    """`base` with facts laid over it; itself a view (`MachineView`).

    Below the mount point of a file system that was made in this run nothing exists but what was laid there since; what
    is on a file system that is only going to be mounted cannot be known, and is taken for nothing.
    """

    def __init__(self, base: MachineView) -> None:
        self._base = base
        self._facts: dict[tuple[str, str], Value] = {}
        self._covers: set[str] = set()

    def apply(self, facts: Iterable[Fact]) -> None:
        """Take facts as given from now on; a later one about the same thing wins."""
        for fact in facts:
            if (fact.kind == "mount" and fact.value is not None) or (fact.kind == "file_status" and fact.value is None):
                self._cover(fact.name)
            self._facts[fact.kind, fact.name] = fact.value

    def revert(self, facts: Iterable[Fact]) -> None:
        """Forget what was laid about these things: the base answers for them again."""
        for fact in facts:
            self._facts.pop((fact.kind, fact.name), None)
            if fact.kind in {"mount", "file_status"}:
                self._covers.discard(fact.name)

    def device(self, name: str) -> Device | None:
        """A device fact may stand under a further name; its value carries the canonical one."""
        return self._answer("device", name, lambda: self._device_below(name))

    def table(self, name: str) -> PartitionTable:
        """The table that was laid there, or what is there."""
        return self._answer("table", name, lambda: PartitionTable("") if self._is_new(name) else self._base.table(name))

    def signature(self, name: str) -> Signature:
        """A device that is new in the forecast is blank."""
        return self._answer(
            "signature", name, lambda: Signature() if self._is_new(name) else self._base.signature(name)
        )

    def luks_header(self, name: str) -> LuksHeader | None:
        """A header that was laid, or is there."""
        return self._answer("luks_header", name, lambda: None if self._is_new(name) else self._base.luks_header(name))

    def file_status(self, path: str) -> FileStatus | None:
        """What was laid at the path, else what is there unless a new mount or a removal hides it."""
        return self._answer(
            "file_status", path, lambda: None if self._is_hidden(path) else self._base.file_status(path)
        )

    def children(self, path: str) -> Sequence[str]:
        """Names laid below the path and names that are there."""
        prefix = path.rstrip("/") + "/"
        names = {} if self._is_hidden(prefix + "-") else dict.fromkeys(self._base.children(path), True)
        for kind, name in self._facts:
            if kind == "file_status" and name.startswith(prefix) and "/" not in name[len(prefix) :]:
                names[name[len(prefix) :]] = self._facts[kind, name] is not None
        return sorted(name for name, exists in names.items() if exists and name)

    def content(self, path: str) -> bytes | None:
        """Bytes that were laid, or of files that are there now; those of planned ones are not kept."""
        return self._answer("content", path, lambda: None if self._is_planned(path) else self._base.content(path))

    def host_file(self, path: str) -> bytes | None:
        """Files of the running system do not change."""
        return self._base.host_file(path)

    def host_children(self, path: str) -> Sequence[str]:
        """Directories of the running system do not change."""
        return self._base.host_children(path)

    def user(self, name: str) -> Account | None:
        """An account that was laid, or is there."""
        return self._answer("user", name, lambda: self._base.user(name))

    def group(self, name: str) -> Account | None:
        """A group that was laid, or is there."""
        return self._answer("group", name, lambda: self._base.group(name))

    def mount(self, path: str) -> MountedFilesystem | None:
        """A mount that was laid, or is there."""
        return self._answer("mount", path, lambda: self._base.mount(path))

    def free_space(self, path: str) -> FreeSpace | None:
        """What was laid, or is there; on a file system that is going to be mounted the plan of the disks has looked."""
        hidden = self._is_hidden(path.rstrip("/") + "/-")
        return self._answer("free_space", "/", lambda: None if hidden else self._base.free_space(path))

    def enabled(self, unit: str) -> bool:
        """What is enabled now, unless a new mount hides it."""
        return not self._is_hidden("/etc/systemd/system") and self._base.enabled(unit)

    def tool(self, name: str) -> str | None:
        """Tools do not change."""
        return self._base.tool(name)

    def recall(self, name: str) -> Memory:
        """What was laid, or was remembered before."""
        return self._answer("recall", name, lambda: self._base.recall(name))

    def _answer(self, kind: str, name: str, otherwise: Callable[[], T]) -> T:
        """What was laid about a thing, else what the base says of it."""
        if (kind, name) in self._facts:
            return cast("T", self._facts[kind, name])
        return otherwise()

    def _device_below(self, name: str) -> Device | None:
        """What the base calls so, as it will be."""
        found = self._base.device(name)
        return found and self._answer("device", found.name, lambda: found)

    def _is_new(self, device: str) -> bool:
        return ("device", device) in self._facts

    def _is_planned(self, path: str) -> bool:
        return ("file_status", path) in self._facts or self._is_hidden(path)

    def _is_hidden(self, path: str) -> bool:
        """Whether what is there now at the path will be covered by a mount, or gone with a directory above it."""
        if not self._covers:
            return False
        above = path.rstrip("/")
        while above:
            above = above.rpartition("/")[0]
            if (above or "/") in self._covers:
                return True
        return False

    def _cover(self, path: str) -> None:
        """Nothing that is below the path now, or was laid there, can be seen any more."""
        self._covers.add(path)
        prefix = path.rstrip("/") + "/"
        for key in [
            key for key in self._facts if key[0] == "file_status" and key[1].startswith(prefix) and key[1] != prefix
        ]:
            del self._facts[key]
