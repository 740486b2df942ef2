"""Facts: what holds once an action is done. There is one class for each question that a `MachineView` answers.

The facts of planned actions make the forecast on which later actions are planned. After an action they are compared
with the state of the machine. A part of a value that a tool will choose is None; it is not compared.
"""

from __future__ import annotations

from typing import NamedTuple

from provision.planning.boot_state import BootState
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


class DeviceFact(NamedTuple):
    """The device of that name; None if there is none."""

    name: str
    value: Device | None

    def now(self, view: MachineView) -> Device | None:
        """What the machine says."""
        return view.device(self.name)


class TableFact(NamedTuple):
    """The partition table on the device of that canonical name."""

    name: str
    value: PartitionTable

    def now(self, view: MachineView) -> PartitionTable:
        """What the machine says."""
        return view.table(self.name)


class SignatureFact(NamedTuple):
    """The signature on the device of that canonical name."""

    name: str
    value: Signature

    def now(self, view: MachineView) -> Signature:
        """What the machine says."""
        return view.signature(self.name)


class LuksHeaderFact(NamedTuple):
    """The LUKS header on the device of that canonical name; None if there is none."""

    name: str
    value: LuksHeader | None

    def now(self, view: MachineView) -> LuksHeader | None:
        """What the machine says."""
        return view.luks_header(self.name)


class FileFact(NamedTuple):
    """The file, directory or link at a resolved path of the target root; None if there is none."""

    name: str
    value: FileStatus | None

    def now(self, view: MachineView) -> FileStatus | None:
        """What the machine says."""
        return view.file_status(self.name)


class ContentFact(NamedTuple):
    """The bytes of a small file of the target root; None if there is none."""

    name: str
    value: bytes | None

    def now(self, view: MachineView) -> bytes | None:
        """What the machine says."""
        return view.content(self.name)


class UserFact(NamedTuple):
    """The user of that name in the target root; None if there is none."""

    name: str
    value: Account | None

    def now(self, view: MachineView) -> Account | None:
        """What the machine says."""
        return view.user(self.name)


class GroupFact(NamedTuple):
    """The group of that name in the target root; None if there is none."""

    name: str
    value: Account | None

    def now(self, view: MachineView) -> Account | None:
        """What the machine says."""
        return view.group(self.name)


class MountFact(NamedTuple):
    """What is mounted at exactly that path of the target root; None if nothing is."""

    name: str
    value: MountedFilesystem | None

    def now(self, view: MachineView) -> MountedFilesystem | None:
        """What the machine says."""
        return view.mount(self.name)


class FreeSpaceFact(NamedTuple):
    """The free space below that path of the target root; None if it is not known, or need not be checked."""

    name: str
    value: FreeSpace | None

    def now(self, view: MachineView) -> FreeSpace | None:
        """What the machine says."""
        return view.free_space(self.name)


class BootStateFact(NamedTuple):
    """The state that later stages get."""

    value: BootState
    name: str = ""

    def now(self, view: MachineView) -> BootState:
        """What the machine says."""
        return view.boot_state()


Fact = (
    DeviceFact
    | TableFact
    | SignatureFact
    | LuksHeaderFact
    | FileFact
    | ContentFact
    | UserFact
    | GroupFact
    | MountFact
    | FreeSpaceFact
    | BootStateFact
)
