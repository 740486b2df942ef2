"""A target root that is not known: it does not exist yet, or the plan is made on another machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from provision.config.format import Config
from provision.planning.actions import RunProgram, Wave
from provision.planning.arguments import Argument
from provision.planning.boot_state import BootState
from provision.planning.facts import FileFact
from provision.planning.machine_view import (
    Account,
    Device,
    FileStatus,
    FileType,
    FreeSpace,
    LuksHeader,
    MachineView,
    MountedFilesystem,
    OwnedHome,
    PartitionTable,
    Signature,
)
from provision.planning.root.account_files import ACCOUNT_FILES, PASSWD


class UnknownRoot:
    """The part of a `MachineView` that is about the target root, of which nothing is known.

    Below the root only things exist that the config names but does not make: accounts, and targets of hard links. So
    nothing is refused for a reason that only the real root can show.
    """

    def __init__(self, config: Config) -> None:
        self._users = {user.name for user in config.passwd.users}
        self._groups = {group.name for group in config.passwd.groups}
        storage = config.storage
        made = {node.path for node in (*storage.files, *storage.directories, *storage.links)}
        self._files = {link.target for link in storage.links if link.hard} - made
        self._files |= set(ACCOUNT_FILES)

    def file_status(self, path: str) -> FileStatus | None:
        """Directories and files that every system has, and targets of hard links, exist."""
        return FileStatus(FileType.FILE) if path in self._files else None

    def children(self, path: str) -> Sequence[str]:
        """Nothing is known to exist."""
        del path
        return ()

    def content(self, path: str) -> bytes | None:
        """Nothing is known to exist."""
        del path
        return None

    def user(self, name: str) -> Account | None:
        """An account that the config does not make is taken to be there."""
        return None if name in self._users else Account(name, None, home=f"/home/{name}")

    def group(self, name: str) -> Account | None:
        """A group that the config does not make is taken to be there."""
        return None if name in self._groups else Account(name, None)

    def mount(self, path: str) -> MountedFilesystem | None:
        """Nothing is mounted."""
        del path
        return None

    def mounts_below(self, path: str) -> Sequence[str]:
        """Nothing is mounted."""
        del path
        return ()

    def free_space(self, path: str) -> FreeSpace | None:
        """Not known."""
        del path
        return None

    def enabled(self, unit: str) -> bool:
        """True: a plan shows every unit that is to be disabled."""
        del unit
        return True


class MachineWithUnknownRoot(UnknownRoot):
    """A `MachineView` of a machine whose target root is not there yet."""

    def __init__(self, machine: MachineView, config: Config) -> None:
        super().__init__(config)
        self._machine = machine

    def device(self, name: str) -> Device | None:
        """A device of the machine."""
        return self._machine.device(name)

    def table(self, name: str) -> PartitionTable:
        """A table of the machine."""
        return self._machine.table(name)

    def signature(self, name: str) -> Signature:
        """A signature of the machine."""
        return self._machine.signature(name)

    def luks_header(self, name: str) -> LuksHeader | None:
        """A header of the machine."""
        return self._machine.luks_header(name)

    def host_file(self, path: str) -> bytes | None:
        """A file of the running system."""
        return self._machine.host_file(path)

    def host_children(self, path: str) -> Sequence[str]:
        """A directory of the running system."""
        return self._machine.host_children(path)

    def tool(self, name: str) -> str | None:
        """A tool of the running system."""
        return self._machine.tool(name)

    def mkfs_refusal(self, argv: Sequence[str], size: int) -> str:
        """A program of the running system."""
        return self._machine.mkfs_refusal(argv, size)

    def account_refusal(self, argv: Sequence[str], files: Mapping[str, bytes], home: OwnedHome | None = None) -> bool:
        """See MachineView."""
        return self._machine.account_refusal(argv, files, home)

    def boot_state(self) -> BootState:
        """The state of this boot."""
        return self._machine.boot_state()


BY_THE_DISTRIBUTION: tuple[Argument, ...] = ("true",)
"""The command of a step that is simulated because the next ones build on it; the distribution carries it out."""


def restored_root(_config: Config, view: MachineView) -> Iterator[Wave]:
    """What a distribution does when a config makes a new root, between mounting and writing files. Only simulated."""
    if view.file_status(PASSWD) is None:
        filled = tuple(FileFact(path, FileStatus(FileType.FILE)) for path in ACCOUNT_FILES)
        title = "fill / with the system, because it is empty (the distribution does)"
        yield (RunProgram(title, BY_THE_DISTRIBUTION, frozenset({"/"}), filled),)
