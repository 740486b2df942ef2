"""The machine as it will be: a view in which the facts of planned actions come before what is there now.

`plan` runs all stages against a forecast; preflight does the same, to the end, before the first change. No action is
carried out on a forecast, so there is no dry-run flag anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

from provision.planning.boot_state import BootState
from provision.planning.facts import (
    BootStateFact,
    ContentFact,
    DeviceFact,
    Fact,
    FileFact,
    FreeSpaceFact,
    GroupFact,
    LuksHeaderFact,
    MountFact,
    SignatureFact,
    TableFact,
    UserFact,
)
from provision.planning.machine_view import (
    Account,
    Device,
    FileStatus,
    FreeSpace,
    LuksHeader,
    MachineView,
    MountedFilesystem,
    PartitionTable,
    Signature,
)

T = TypeVar("T")


class Forecast:
    """`base` with facts in front of it; itself a `MachineView`.

    Below the mount point of a file system that was made in this run nothing exists but what was planned there since.
    What is on a file system that is only going to be mounted cannot be known, and is taken for nothing.
    """

    def __init__(self, base: MachineView) -> None:
        self._base = base
        self._facts: dict[tuple[type[Fact], str], object] = {}
        self._hidden_below: set[str] = set()

    def apply(self, facts: Iterable[Fact]) -> None:
        """Take facts as given from now on; a later one about the same thing wins."""
        for fact in facts:
            if (isinstance(fact, MountFact) and fact.value) or (isinstance(fact, FileFact) and not fact.value):
                self._hide_below(fact.name)
            self._facts[type(fact), fact.name] = fact.value

    def revert(self, facts: Iterable[Fact]) -> None:
        """Forget facts about these things: the base answers for them again."""
        for fact in facts:
            self._facts.pop((type(fact), fact.name), None)
            if isinstance(fact, MountFact | FileFact):
                self._hidden_below.discard(fact.name)

    def device(self, name: str) -> Device | None:
        """A device fact may stand under a further name; its value carries the canonical one."""
        return self._answer(DeviceFact, name, lambda: self._device_of_base(name))

    def table(self, name: str) -> PartitionTable:
        """The planned table, or what is there; a device that is new in the forecast is blank."""
        return self._answer(
            TableFact, name, lambda: PartitionTable("") if self._is_new(name) else self._base.table(name)
        )

    def signature(self, name: str) -> Signature:
        """The planned signature, or what is there; a device that is new in the forecast is blank."""
        return self._answer(
            SignatureFact, name, lambda: Signature() if self._is_new(name) else self._base.signature(name)
        )

    def luks_header(self, name: str) -> LuksHeader | None:
        """The planned header, or what is there; a device that is new in the forecast is blank."""
        return self._answer(LuksHeaderFact, name, lambda: None if self._is_new(name) else self._base.luks_header(name))

    def file_status(self, path: str) -> FileStatus | None:
        """What is planned at the path, else what is there unless a new mount or a removal hides it."""
        return self._answer(FileFact, path, lambda: None if self._is_hidden(path) else self._base.file_status(path))

    def children(self, path: str) -> Sequence[str]:
        """Names that are planned below the path, and names that are there."""
        prefix = path.rstrip("/") + "/"
        names = {} if self._is_hidden(prefix + "-") else dict.fromkeys(self._base.children(path), True)
        for (kind, name), value in self._facts.items():
            if kind is FileFact and name.startswith(prefix) and "/" not in name[len(prefix) :]:
                names[name[len(prefix) :]] = value is not None
        return sorted(name for name, exists in names.items() if exists and name)

    def content(self, path: str) -> bytes | None:
        """Planned bytes where an action tells them, or those of files that are there now."""
        return self._answer(ContentFact, path, lambda: None if self._is_planned(path) else self._base.content(path))

    def host_file(self, path: str) -> bytes | None:
        """Files of the running system do not change."""
        return self._base.host_file(path)

    def host_children(self, path: str) -> Sequence[str]:
        """Directories of the running system do not change."""
        return self._base.host_children(path)

    def user(self, name: str) -> Account | None:
        """A planned account, or one that is there."""
        return self._answer(UserFact, name, lambda: self._base.user(name))

    def group(self, name: str) -> Account | None:
        """A planned group, or one that is there."""
        return self._answer(GroupFact, name, lambda: self._base.group(name))

    def mount(self, path: str) -> MountedFilesystem | None:
        """A planned mount, or one that is there."""
        return self._answer(MountFact, path, lambda: self._base.mount(path))

    def free_space(self, path: str) -> FreeSpace | None:
        """What is there; None below a new mount: the plan of the disks stage has looked at its size."""
        hidden = self._is_hidden(path.rstrip("/") + "/-")
        return self._answer(FreeSpaceFact, "/", lambda: None if hidden else self._base.free_space(path))

    def enabled(self, unit: str) -> bool:
        """What is enabled now, unless a new mount hides it."""
        return not self._is_hidden("/etc/systemd/system") and self._base.enabled(unit)

    def tool(self, name: str) -> str | None:
        """Tools do not change."""
        return self._base.tool(name)

    def mkfs_refusal(self, argv: Sequence[str], size: int) -> str:
        """Programs do not change."""
        return self._base.mkfs_refusal(argv, size)

    def boot_state(self) -> BootState:
        """What planned actions leave, or what the run was started with."""
        return self._answer(BootStateFact, "", self._base.boot_state)

    def _answer(self, kind: type[Fact], name: str, otherwise: Callable[[], T]) -> T:
        """The planned answer to a question, else the one of the base."""
        if (kind, name) in self._facts:
            return cast("T", self._facts[kind, name])
        return otherwise()

    def _device_of_base(self, name: str) -> Device | None:
        """The device that the base knows by that name, as it will be."""
        found = self._base.device(name)
        return found and self._answer(DeviceFact, found.name, lambda: found)

    def _is_new(self, device: str) -> bool:
        return (DeviceFact, device) in self._facts

    def _is_planned(self, path: str) -> bool:
        return (FileFact, path) in self._facts or self._is_hidden(path)

    def _is_hidden(self, path: str) -> bool:
        """Whether what is at the path now will be covered by a mount, or gone with a directory above it."""
        if not self._hidden_below:
            return False
        above = path.rstrip("/")
        while above:
            above = above.rpartition("/")[0]
            if (above or "/") in self._hidden_below:
                return True
        return False

    def _hide_below(self, path: str) -> None:
        """Nothing that is below the path now, or was planned there, can be seen any more."""
        self._hidden_below.add(path)
        prefix = path.rstrip("/") + "/"
        for kind, name in list(self._facts):
            if kind is FileFact and name.startswith(prefix) and name != prefix:
                del self._facts[kind, name]
