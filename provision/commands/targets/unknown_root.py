"""A root that is not known: what a plan takes for given when it is made far from the machine it is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from provision.config.format import Config
from provision.failures import ActionFailed
from provision.planning.boot_state import BootState
from provision.planning.machine_view import (
    Account,
    Device,
    FileStatus,
    FileType,
    FreeSpace,
    LuksHeader,
    MountedFilesystem,
    PartitionTable,
    Signature,
)
from provision.stages.files.passwd import DATABASES


class Devices(Protocol):
    """The part of a view that is about devices."""

    def device(self, name: str) -> Device | None:
        """See MachineView."""
        ...

    def table(self, name: str) -> PartitionTable:
        """See MachineView."""
        ...

    def signature(self, name: str) -> Signature:
        """See MachineView."""
        ...

    def luks_header(self, name: str) -> LuksHeader | None:
        """See MachineView."""
        ...


class UnknownRoot:
    """A view (`MachineView`) of known devices and an unknown root.

    Nothing exists below the root; accounts exist if the config speaks of them without making them; every tool is there.
    """

    def __init__(self, devices: Devices | None, config: Config) -> None:
        self.unreadable: dict[str, str] = {}
        self._devices = devices
        self._made = {("user", user.name) for user in config.passwd.users}
        self._made |= {("group", group.name) for group in config.passwd.groups}

    def device(self, name: str) -> Device | None:
        """The device, if devices are known at all; one that may not be read is as good as absent (`unreadable`)."""
        device = self._devices.device(name) if self._devices else None
        if device is None or self._devices is None:
            return None
        try:
            self._devices.signature(device.name)
        except ActionFailed as failed:
            self.unreadable[name] = failed.output
            return None
        return device

    def table(self, name: str) -> PartitionTable:
        """The table on a known device."""
        return self._devices.table(name) if self._devices else PartitionTable("")

    def signature(self, name: str) -> Signature:
        """What is on a known device."""
        return self._devices.signature(name) if self._devices else Signature()

    def luks_header(self, name: str) -> LuksHeader | None:
        """The LUKS header on a known device."""
        return self._devices.luks_header(name) if self._devices else None

    def file_status(self, path: str) -> FileStatus | None:
        """Nothing is known to exist, but that it is the root of a system."""
        return FileStatus(FileType.FILE) if path in DATABASES else None

    def children(self, path: str) -> Sequence[str]:
        """Nothing is known to exist."""
        del path
        return ()

    def content(self, path: str) -> bytes | None:
        """Nothing is known to exist."""
        del path
        return None

    def host_file(self, path: str) -> bytes | None:
        """This system is not the one that the plan is for."""
        del path
        return None

    def host_children(self, path: str) -> Sequence[str]:
        """This system is not the one that the plan is for."""
        del path
        return ()

    def user(self, name: str) -> Account | None:
        """An account that the config does not make has to be there."""
        return None if ("user", name) in self._made else Account(name, None, home=f"/home/{name}")

    def group(self, name: str) -> Account | None:
        """A group that the config does not make has to be there."""
        return None if ("group", name) in self._made else Account(name, None)

    def mount(self, path: str) -> MountedFilesystem | None:
        """Nothing is mounted."""
        del path
        return None

    def free_space(self, path: str) -> FreeSpace | None:
        """Nobody knows."""
        del path
        return None

    def enabled(self, unit: str) -> bool:
        """Whatever is to be disabled is enabled."""
        del unit
        return True

    def tool(self, name: str) -> str | None:
        """Every tool is there."""
        return name

    def boot_state(self) -> BootState:
        """Nothing happened before; any seed shows what the plan would choose."""
        return BootState(seed="assumed")
