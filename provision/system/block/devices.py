"""What the machine needs of its block devices: the devices of the running kernel, or disk images in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from provision.failures import Failure
from provision.planning.machine_view import Device, LuksHeader, PartitionTable, Signature


class DeviceFailed(Failure):
    """A device is not there or could not be changed; the text says which and why."""


class Devices(Protocol):
    """Block devices by the names of the config. Methods that take a canonical name take every other name as well."""

    temporary: bool
    """Whether they are ours for the time of this process, and so are the file systems mounted from them."""

    def device(self, name: str) -> Device | None:
        """The device, with its canonical name; None if there is none."""
        ...

    def table(self, name: str) -> PartitionTable:
        """The partition table on it; kind "" if there is none. Raises TableFailed."""
        ...

    def signature(self, name: str) -> Signature:
        """What is on it. Raises ProbeFailed."""
        ...

    def luks_header(self, name: str) -> LuksHeader | None:
        """The LUKS header on it; None if there is none."""
        ...

    def node(self, name: str) -> str:
        """The kernel's node for it, to hand to a program. Raises DeviceFailed."""
        ...

    def name(self, source: str) -> str:
        """The canonical name of a device that mountinfo calls `source`; itself if it is none of ours."""
        ...

    def write_table(self, name: str, table: PartitionTable, *, erase: bool, clear: Sequence[int]) -> None:
        """Write a whole table and let the kernel follow; partitions to `clear` are no members of an array any more.

        Raises DeviceFailed, TableFailed, OSError.
        """
        ...

    def wait(self, names: Sequence[str], *, gone: bool = False) -> None:
        """Until all are there (or gone). Raises DeviceFailed with what is missing."""
        ...

    def settle(self, name: str) -> None:
        """After a change of its contents: until everything that follows it (udev's links) has done so."""
        ...

    def release(self) -> None:
        """Give back what was attached. Never fails twice."""
        ...
