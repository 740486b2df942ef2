"""What the sources of a config need from a machine; `provision.system.running_system` implements it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from socket import socket


class SystemPaths(NamedTuple):
    """Where files lie that the environment may move (names: `IGNITION_` and the field in capitals).

    `credentials_directory` is systemd's variable of that name (systemd.exec(5)); empty if the unit has no credentials.
    """

    kernel_cmdline_path: str = "/proc/cmdline"
    boot_id_path: str = "/proc/sys/kernel/random/boot_id"
    system_runtime_config_dir: str = "/run/ignition"
    system_local_config_dir: str = "/etc/ignition"
    system_config_dir: str = "/usr/lib/ignition"
    config_file: str = "config.ign"
    oem_lookaside_dir: str = "/usr/share/oem"
    oem_device: str = ""
    credentials_directory: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> SystemPaths:
        """The paths that an environment names, and the defaults for the rest."""
        named = {field: environment.get(f"IGNITION_{field.upper()}") for field in cls._fields}
        named["credentials_directory"] = environment.get("CREDENTIALS_DIRECTORY")
        return cls()._replace(**{field: path for field, path in named.items() if path})

    @property
    def directories(self) -> tuple[str, str, str]:
        """The system's config directories, the strongest first."""
        return self.system_runtime_config_dir, self.system_local_config_dir, self.system_config_dir


Unzstd = Callable[[bytes], Iterator[bytes] | None]
"""Decompresses zstd; None if the machine cannot. Reading the parts raises ValueError if the frames are damaged."""


def no_unzstd(_raw: bytes) -> None:
    """A machine that cannot read zstd."""


Control = Callable[[int, bytearray], object]
"""ioctl(2) on a device: a request number, and a message that the driver answers in place. Raises OSError."""


class MessageDevice(Protocol):
    """A device that takes and gives whole messages."""

    def send(self, message: bytes) -> None:
        """Write one message. Raises OSError."""
        ...

    def receive(self, size: int, seconds: float) -> bytes | None:
        """The next message, at most `size` bytes of it; None if none comes in so many seconds. Raises OSError."""
        ...


class RunningSystem(Protocol):
    """A machine as a source of configs. Paths are absolute; the implementation may put a root before them."""

    paths: SystemPaths

    def path(self, path: str) -> str:
        """The path with the root before it, for programs and devices."""
        ...

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, None if there is none. Raises FetchFailed if there is one that cannot be read."""
        ...

    def read_text(self, path: str) -> str:
        """The text of a file, empty if there is none. Raises as `read`."""
        ...

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted by their bytes; none if there is no such directory."""
        ...

    def drive(self, label: str) -> str | None:
        """The block device whose file system has this label, if it is there now."""
        ...

    def optical_drives(self) -> tuple[str, ...]:
        """The CD drives that hold a disc now."""
        ...

    def read_from(self, device: str, path: str, *, formats: Sequence[str] = ()) -> bytes | None:
        """A file of a drive, which is mounted read-only for it; None if there is no such file.

        Raises FetchFailed if the drive cannot be mounted as one of the formats (any, if none is named).
        """
        ...

    def await_change(self, seconds: float) -> None:
        """Return when a device came or went, or after so many seconds."""
        ...

    def load_module(self, name: str) -> None:
        """Load a kernel module. A missing module is no failure: the driver may be built in."""
        ...

    def has_program(self, name: str) -> bool:
        """Whether a program can be started by its name."""
        ...

    def run(self, *argv: str, given: bytes = b"") -> bytes | None:
        """The standard output of a program that gets `given` as input; None if it is missing or fails.

        Raises FetchFailed.
        """
        ...

    def unzstd(self, raw: bytes) -> Iterator[bytes] | None:
        """The contents of zstd frames, in parts; None if this machine cannot read them. See Unzstd."""
        ...

    def external_bus(self, device: str) -> str:
        """The bus that attaches a block device from outside the machine ("USB", for instance); empty if none does."""
        ...

    def device(self, path: str) -> AbstractContextManager[MessageDevice]:
        """A device of the hypervisor, open for messages in both directions. Raises OSError."""
        ...

    def control(self, path: str) -> AbstractContextManager[Control]:
        """A device of the hypervisor, open for ioctl(2). Raises OSError."""
        ...

    def vsock(self, cid: int, port: int, seconds: float | None, own_ports: Sequence[int] = ()) -> socket:
        """A connection to the context id `cid` (vsock(7)), within `seconds`, which are also the timeout of the socket.

        It is made from the first of our own ports that is free, or from any if none is named. Raises OSError.
        """
        ...

    def private_folder(self) -> AbstractContextManager[str]:
        """A new folder that only root can enter, for the files of a tool; it is removed at the end."""
        ...
