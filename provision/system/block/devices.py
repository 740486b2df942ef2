"""The interface to block devices: those of the running kernel, or disk images that take their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from provision.failures import Failure
from provision.planning.machine_view import Device, LuksHeader, PartitionTable, Signature


class DeviceFailed(Failure):
    """A device does not exist or could not be changed; the message says which one and why."""


class Devices(Protocol):
    """Block devices by the names of the config. Every method accepts any name of a device, canonical or not."""

    temporary: bool
    """Whether the devices, and the file systems mounted from them, are released when this process ends."""

    def device(self, name: str) -> Device | None:
        """The device with its canonical name; None if it does not exist."""
        ...

    def table(self, name: str) -> PartitionTable:
        """The partition table on it; kind "" if there is none. Raises TableFailed."""
        ...

    def signature(self, name: str) -> Signature:
        """The file system or other signature on it. Raises ProbeFailed."""
        ...

    def luks_header(self, name: str) -> LuksHeader | None:
        """The LUKS header on it; None if there is none."""
        ...

    def node(self, name: str) -> str:
        """The path of its device node, for a program. Raises DeviceFailed."""
        ...

    def name(self, source: str) -> str:
        """The canonical name of the device that mountinfo calls `source`; `source` itself for any other device."""
        ...

    def write_table(self, name: str, table: PartitionTable, *, erase: bool, clear: Sequence[int]) -> None:
        """Write a whole partition table and update the kernel. Partitions of `clear` (numbers) lose md superblocks.

        Raises DeviceFailed, TableFailed, OSError.
        """
        ...

    def wait(self, names: Sequence[str], *, gone: bool = False) -> None:
        """Wait until all devices exist, or with `gone` until none does. Raises DeviceFailed that names the others."""
        ...

    def settle(self, name: str) -> None:
        """Wait until udev has made its links for the present contents of the device."""
        ...

    def release(self) -> None:
        """Detach everything that was attached. It may be called again."""
        ...
