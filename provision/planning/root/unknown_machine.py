"""A machine of which at most the devices are known, for plans that are made on another machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.config.format import Config
from provision.failures import ActionFailed
from provision.planning.boot_state import BootState
from provision.planning.machine_view import Device, LuksHeader, MachineView, OwnedHome, PartitionTable, Signature
from provision.planning.root.unknown_root import UnknownRoot


class UnknownMachine(UnknownRoot):
    """A `MachineView` of the devices of `here` (None: no devices) and an unknown root; every tool is on PATH.

    A device that cannot be read counts as absent; `unreadable` has the reasons: name -> reason.
    """

    def __init__(self, here: MachineView | None, config: Config) -> None:
        super().__init__(config)
        self.unreadable: dict[str, str] = {}
        self._here = here

    def device(self, name: str) -> Device | None:
        """The device; None if it does not exist or cannot be read."""
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
        """The signature on a known device."""
        return self._here.signature(name) if self._here else Signature()

    def luks_header(self, name: str) -> LuksHeader | None:
        """The LUKS header on a known device."""
        return self._here.luks_header(name) if self._here else None

    def host_file(self, path: str) -> bytes | None:
        """None: the running system of the machine is not known."""
        del path
        return None

    def host_children(self, path: str) -> Sequence[str]:
        """No names: the running system of the machine is not known."""
        del path
        return ()

    def tool(self, name: str) -> str | None:
        """The name itself: every tool counts as installed."""
        return name

    def mkfs_refusal(self, argv: Sequence[str], size: int) -> str:
        """As in MachineView, by the programs of this machine; those of the target machine are not known."""
        return self._here.mkfs_refusal(argv, size) if self._here else ""

    def account_refusal(self, argv: Sequence[str], files: Mapping[str, bytes], home: OwnedHome | None = None) -> bool:
        """True: the programs of the machine are not known."""
        del argv, files, home
        return True

    def boot_state(self) -> BootState:
        """The state before the first stage, with a fixed seed, so that a plan shows the same UUIDs every time."""
        return BootState(seed="assumed")
