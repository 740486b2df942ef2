"""VirtualBox: the driver's side of the ioctls, with the checks of the kernel, and the host's property service behind
it.

The numbers are from linux/vboxguest.h, by a C compiler; the checks are those of drivers/virt/vboxguest.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.failures import FetchFailed
from provision.fetch.find_config import find_config
from provision.fetch.platforms.hypervisors import virtualbox
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.system.running_system.local_system import LocalSystem

CONFIG = b'{"ignition": {"version": "3.4.0"}}'
VERSION_INFO, CONNECT, DISCONNECT = 0xC02C5600, 0xC09C5604, 0xC01C5605
SIZES = {VERSION_INFO: (40, 44), CONNECT: (156, 28), DISCONNECT: (28, 24)}
CALL_SIZE, PARAMETER_SIZE = 40, 16
CLIENT = 7
VALUE, TEXT, BUFFER = (1, 2), 5, 4
UNKNOWN_SERVICE = -2900


class Host:
    """A driver with a host behind it: properties, and how many clients are connected."""

    def __init__(self, properties: dict[str, bytes], service: bytes = b"VBoxGuestPropSvc", status: int = 0) -> None:
        self.properties = properties
        self.clients = 0
        self._service = service
        self._status = status

    def control(self, request: int, message: bytearray) -> None:
        """Answer one ioctl in place."""
        size_in, version, kind, _, size_out, _ = struct.unpack_from("=IIIiII", message)
        if (version, kind) != (0x10001, 0) or max(size_in, size_out) != request >> 16 & 0x3FFF:
            raise OSError(errno.EINVAL, "Invalid argument")
        if request in SIZES:
            if (size_in, size_out) != SIZES[request]:
                raise OSError(errno.EINVAL, "Invalid argument")
            rc = self._fixed(request, message)
        elif request & ~0x3FFF0000 == 0xC0005607 and size_in == size_out:
            rc = self._call(message)
        else:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        struct.pack_into("=i", message, 12, rc)

    def _fixed(self, request: int, message: bytearray) -> int:
        if request == CONNECT:
            kind, name = struct.unpack_from("=I128s", message, 24)
            if kind != 2 or name.rstrip(b"\0") != self._service:
                return UNKNOWN_SERVICE
            struct.pack_into("=I", message, 24, CLIENT)
            self.clients += 1
        if request == DISCONNECT:
            assert struct.unpack_from("=I", message, 24) == (CLIENT,)
            self.clients -= 1
        return 0

    def _call(self, message: bytearray) -> int:
        client, function, _, _, _, count = struct.unpack_from("=IIIBBH", message, 24)
        if client != CLIENT or len(message) < CALL_SIZE + count * PARAMETER_SIZE:
            raise OSError(errno.EINVAL, "Invalid argument")
        kind, size, address = struct.unpack_from("=IIQ", message, CALL_SIZE)
        assert kind == TEXT
        name = ctypes.string_at(address, size).rstrip(b"\0").decode()
        if self._status or name not in self.properties:
            return self._status or virtualbox.NOT_FOUND
        return self._get(name, message) if function == 1 else self._delete(name)

    def _get(self, name: str, message: bytearray) -> int:
        kind, size, address = struct.unpack_from("=IIQ", message, CALL_SIZE + PARAMETER_SIZE)
        assert kind == BUFFER
        told = self.properties[name] + b"\0RDONLYGUEST\0"
        struct.pack_into("=I", message, CALL_SIZE + 3 * PARAMETER_SIZE + 4, len(told))
        if size < len(told):
            return virtualbox.BUFFER_OVERFLOW
        ctypes.memmove(address, told, len(told))
        return 0

    def _delete(self, name: str) -> int:
        del self.properties[name]
        return 0


@contextmanager
def visited(one: Host) -> Iterator[Host]:
    """A host; the test fails if a client does not disconnect."""
    yield one
    assert one.clients == 0


def test_the_config_is_what_stands_before_the_flags() -> None:
    with visited(Host({"/Ignition/Config": CONFIG})) as one:
        assert virtualbox.config(one.control) == CONFIG


def test_a_config_larger_than_the_first_buffer() -> None:
    with visited(Host({"/Ignition/Config": CONFIG.ljust(200_000)})) as one:
        assert virtualbox.config(one.control) == CONFIG.ljust(200_000)


def test_no_property_is_no_config() -> None:
    with visited(Host({})) as one:
        assert virtualbox.config(one.control) is None


def test_an_empty_encoding_is_none() -> None:
    with visited(Host({"/Ignition/Config": CONFIG, "/Ignition/Config/Encoding": b""})) as one:
        assert virtualbox.config(one.control) == CONFIG


def test_encodings_are_not_guessed() -> None:
    encoded = Host({"/Ignition/Config": CONFIG, "/Ignition/Config/Encoding": b"base64"})
    with visited(encoded) as one, pytest.raises(FetchFailed, match="encodings are not supported"):
        virtualbox.config(one.control)


def test_a_host_without_the_service() -> None:
    with (
        visited(Host({}, service=b"other")) as one,
        pytest.raises(FetchFailed, match=r"no guest property service.*-2900"),
    ):
        virtualbox.config(one.control)


def test_a_host_that_refuses() -> None:
    with visited(Host({}, status=virtualbox.PERMISSION_DENIED)) as one:
        with pytest.raises(FetchFailed, match="did not return it"):
            virtualbox.config(one.control)
        with pytest.raises(FetchFailed, match="did not delete it"):
            virtualbox.remove(one.control)


def test_the_config_is_deleted() -> None:
    properties = {"/Ignition/Config": CONFIG, "/Ignition/Config/Encoding": b"", "/VirtualBox/Other": b"x"}
    with visited(Host(properties)) as one:
        virtualbox.remove(one.control)
        virtualbox.remove(one.control)
    assert properties == {"/VirtualBox/Other": b"x"}


def test_without_the_device_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("quiet\n")
    with pytest.raises(FetchFailed, match="vboxguest: No such file"):
        find_config("virtualbox", LocalSystem(SystemPaths(), str(tmp_path)), FetchSettings(offline=True))
