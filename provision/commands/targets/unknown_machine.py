"""A machine of which at most the devices are known: a plan is made for it somewhere else."""

from __future__ import annotations

from collections.abc import Sequence

from provision.config.format import Config
from provision.failures import ActionFailed
from provision.planning.boot_state import BootState
from provision.planning.machine_view import Device, LuksHeader, MachineView, PartitionTable, Signature
from provision.planning.root.unknown_root import UnknownRoot


class UnknownMachine(UnknownRoot):
    """A `MachineView` of the devices of `here` (none without it) and an unknown root; every tool is there.

    A device that may not be read is as good as absent; `unreadable` tells why: name -> reason.
    """

    def __init__(self, here: MachineView | None, config: Config) -> None:
        super().__init__(config)
        self.unreadable: dict[str, str] = {}
        self._here = here

    def device(self, name: str) -> Device | None:
        """The device, if it is here and can be read."""
        device = self._here.device(name) if self._here else None
        if device is None or self._here is None:
            return None
        try:
            self._here.signature(device.name)
        except ActionFailed as failed:
            self.unreadable[name] = failed.output
            return None
        return device

    def table(self, name: str) -> PartitionTable:
        """The table on a known device."""
        return self._here.table(name) if self._here else PartitionTable("")

    def signature(self, name: str) -> Signature:
        """What is on a known device."""
        return self._here.signature(name) if self._here else Signature()

    def luks_header(self, name: str) -> LuksHeader | None:
        """The LUKS header on a known device."""
        return self._here.luks_header(name) if self._here else None

    def host_file(self, path: str) -> bytes | None:
        """The running system of the machine is not known."""
        del path
        return None

    def host_children(self, path: str) -> Sequence[str]:
        """The running system of the machine is not known."""
        del path
        return ()

    def tool(self, name: str) -> str | None:
        """Every tool is there."""
        return name

    def mkfs_refusal(self, argv: Sequence[str], size: int) -> str:
        """The programs of the machine are not known; those that are here are asked."""
        return self._here.mkfs_refusal(argv, size) if self._here else ""

    def boot_state(self) -> BootState:
        """Nothing happened before; any seed shows what the plan would choose."""
        return BootState(seed="assumed")
