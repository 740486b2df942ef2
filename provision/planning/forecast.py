"""The machine as it will be: a view in which the facts of planned actions replace what is there now.

`plan` runs all stages against a forecast; preflight does the same, to the end, before the first change. No action is
carried out on a forecast, so there is no dry-run flag anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    OwnedHome,
    PartitionTable,
    Signature,
    TreeContents,
)

T = TypeVar("T")

ContentsOf = Callable[[str], TreeContents | None]
"""The contents of the unmounted file system on a device; None where they cannot be read."""


def unseen(_device: str) -> TreeContents | None:
    """None for every device: nothing is known about the contents of unmounted file systems."""
    return None


class Forecast:
    """A `MachineView` that answers from planned facts, and else from `base`.

    Below the mount point of a file system that was made in this run only what was planned since then exists. For an old
    file system that is going to be mounted, `contents_of` gives the contents; if it gives None, nothing exists there.
    """

    def __init__(self, base: MachineView, contents_of: ContentsOf = unseen) -> None:
        self._base = base
        self._contents_of = contents_of
        self._facts: dict[tuple[type[Fact], str], object] = {}
        self._below: dict[str, TreeContents | None] = {}

    def apply(self, facts: Iterable[Fact]) -> None:
        """Answer with these facts from now on. A later fact about the same thing replaces an earlier one."""
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
        """A device fact may be under an alias of the device; its value has the canonical name."""
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
        """The bytes that an action writes, if they are known; else those of the file that is there now."""
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

    def mounts_below(self, path: str) -> Sequence[str]:
        """Those that are there already, and stay."""
        return [point for point in self._base.mounts_below(path) if self.mount(point) is not None]

    def free_space(self, path: str) -> FreeSpace | None:
        """What is there; None below a new mount, for which the plan of the disks stage has checked the size."""
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
        """As in MachineView: programs do not change."""
        return self._base.mkfs_refusal(argv, size)

    def account_refusal(self, argv: Sequence[str], files: Mapping[str, bytes], home: OwnedHome | None = None) -> bool:
        """See MachineView."""
        return self._base.account_refusal(argv, files, home)

    def boot_state(self) -> BootState:
        """The state that planned actions leave, or that the run started with."""
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

    def _mounted(self, mounted: MountedFilesystem) -> TreeContents | None:
        """The contents of a file system that is going to be mounted; None if it is going to be made before."""
        made = (SignatureFact, mounted.device) in self._facts or self._is_new(mounted.device)
        return None if made else self._contents_of(mounted.device)

    def _there(self, path: str) -> tuple[TreeContents | None, str]:
        """The contents that answer for a path now, and the path within them; None if a mount or a removal hides it."""
        above = path.rstrip("/") if self._below else ""
        while above:
            above = above.rpartition("/")[0]
            if (above or "/") in self._below:
                return self._below[above or "/"], path[len(above) :]
        return self._base, path

    def _accounts(self) -> TreeContents:
        """The contents of the file system with the root's passwd file, if they are known; they hold the accounts."""
        contents, inside = self._there("/etc/passwd")
        return contents if contents is not None and inside == "/etc/passwd" else self._base

    def _cover(self, path: str, contents: TreeContents | None) -> None:
        """Put these contents (None: nothing) below a path, and hide what was there or was planned there."""
        self._below[path] = contents
        prefix = path.rstrip("/") + "/"
        for kind, name in list(self._facts):
            if kind is FileFact and name.startswith(prefix) and name != prefix:
                del self._facts[kind, name]
