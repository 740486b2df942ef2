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
    Contents,
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

ContentsOf = Callable[[str], Contents | None]
"""What is on the unmounted file system of a device; None where that cannot be seen."""


def unseen(_device: str) -> Contents | None:
    """Nothing is known of what is on any file system."""
    return None


class Forecast:
    """`base` with facts in front of it; itself a `MachineView`.

    Below the mount point of a file system that was made in this run nothing exists but what was planned there since.
    What is on a file system that is only going to be mounted `contents_of` tells; where it cannot, nothing is there.
    """

    def __init__(self, base: MachineView, contents_of: ContentsOf = unseen) -> None:
        self._base = base
        self._contents_of = contents_of
        self._facts: dict[tuple[type[Fact], str], object] = {}
        self._below: dict[str, Contents | None] = {}

    def apply(self, facts: Iterable[Fact]) -> None:
        """Take facts as given from now on; a later one about the same thing wins."""
        for fact in facts:
            if isinstance(fact, MountFact) and fact.value:
                self._cover(fact.name, self._mounted(fact.value))
            elif isinstance(fact, FileFact) and not fact.value:
                self._cover(fact.name, None)
            self._facts[type(fact), fact.name] = fact.value

    def revert(self, facts: Iterable[Fact]) -> None:
        """Forget facts about these things: the base answers for them again."""
        for fact in facts:
            self._facts.pop((type(fact), fact.name), None)
            if isinstance(fact, MountFact | FileFact):
                self._below.pop(fact.name, None)

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
        contents, inside = self._there(path)
        return self._answer(FileFact, path, lambda: contents.file_status(inside) if contents else None)

    def children(self, path: str) -> Sequence[str]:
        """Names that are planned below the path, and names that are there."""
        prefix = path.rstrip("/") + "/"
        contents, inside = self._there(prefix + "-")
        names = dict.fromkeys(contents.children(inside[:-2] or "/"), True) if contents else {}
        for (kind, name), value in self._facts.items():
            if kind is FileFact and name.startswith(prefix) and "/" not in name[len(prefix) :]:
                names[name[len(prefix) :]] = value is not None
        return sorted(name for name, exists in names.items() if exists and name)

    def content(self, path: str) -> bytes | None:
        """Planned bytes where an action tells them, or those of files that are there now."""
        contents, inside = self._there(path)
        planned = (FileFact, path) in self._facts
        return self._answer(ContentFact, path, lambda: contents.content(inside) if contents and not planned else None)

    def host_file(self, path: str) -> bytes | None:
        """Files of the running system do not change."""
        return self._base.host_file(path)

    def host_children(self, path: str) -> Sequence[str]:
        """Directories of the running system do not change."""
        return self._base.host_children(path)

    def user(self, name: str) -> Account | None:
        """A planned account, or one that is there."""
        return self._answer(UserFact, name, lambda: self._accounts().user(name))

    def group(self, name: str) -> Account | None:
        """A planned group, or one that is there."""
        return self._answer(GroupFact, name, lambda: self._accounts().group(name))

    def mount(self, path: str) -> MountedFilesystem | None:
        """A planned mount, or one that is there."""
        return self._answer(MountFact, path, lambda: self._base.mount(path))

    def free_space(self, path: str) -> FreeSpace | None:
        """What is there; None below a new mount: the plan of the disks stage has looked at its size."""
        contents, inside = self._there(path.rstrip("/") + "/-")
        return self._answer(FreeSpaceFact, "/", lambda: contents.free_space(inside[:-2] or "/") if contents else None)

    def enabled(self, unit: str) -> bool:
        """What is enabled now, unless a new mount hides it."""
        contents, _ = self._there("/etc/systemd/system")
        return contents is not None and contents.enabled(unit)

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

    def _mounted(self, mounted: MountedFilesystem) -> Contents | None:
        """What is on a file system that is going to be mounted: nothing, if it is going to be made before."""
        made = (SignatureFact, mounted.device) in self._facts or self._is_new(mounted.device)
        return None if made else self._contents_of(mounted.device)

    def _there(self, path: str) -> tuple[Contents | None, str]:
        """Who tells what is at a path now, and the path to ask for; None if a mount or a removal hides it."""
        above = path.rstrip("/") if self._below else ""
        while above:
            above = above.rpartition("/")[0]
            if (above or "/") in self._below:
                return self._below[above or "/"], path[len(above) :]
        return self._base, path

    def _accounts(self) -> Contents:
        """Who knows the accounts: the file system with the root's passwd file, where its contents are known."""
        contents, inside = self._there("/etc/passwd")
        return contents if contents is not None and inside == "/etc/passwd" else self._base

    def _cover(self, path: str, contents: Contents | None) -> None:
        """These contents, or none, are below a path from now on; what was there or was planned there is hidden."""
        self._below[path] = contents
        prefix = path.rstrip("/") + "/"
        for kind, name in list(self._facts):
            if kind is FileFact and name.startswith(prefix) and name != prefix:
                del self._facts[kind, name]
