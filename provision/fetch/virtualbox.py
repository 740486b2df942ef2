"""VirtualBox: the config in a guest property, asked of the host over HGCM.

Layout: linux/vboxguest.h and linux/vbox_vmmdev_types.h; the property service's functions are those of VirtualBox's
VBox/HostServices/GuestPropertySvc.h.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from provision.failures import FetchFailed
from provision.fetch.sources import Site

DEVICE = "/dev/vboxguest"
MODULE = "vboxguest"
SERVICE = b"VBoxGuestPropSvc"
CONFIG, ENCODING = "/Ignition/Config", "/Ignition/Config/Encoding"

HEADER = struct.Struct("=IIIiII")  # size_in, version, type, rc, size_out, reserved
VERSION = 0x10001
CONNECT, DISCONNECT, CALL = 4, 5, 7
LOCAL_SERVICE = 2
GET_PROPERTY, DELETE_PROPERTY = 1, 4

NUMBER_32, NUMBER_64, POINTER_IN, POINTER_OUT = 1, 2, 5, 6
NOT_FOUND, BUFFER_OVERFLOW = -78, -41
FIRST_BUFFER = 1 << 16


class Parameter(NamedTuple):
    """An argument of a call to the host: a number, or a buffer that the host reads or writes."""

    kind: int
    buffer: ctypes.Array[ctypes.c_char] | None = None

    def packed(self) -> bytes:
        """As the kernel wants it: 4 bytes of type and 12 of value."""
        if self.buffer is None:
            return struct.pack("=IQI", self.kind, 0, 0)
        return struct.pack("=IIQ", self.kind, len(self.buffer), ctypes.addressof(self.buffer))


def ask(site: Site) -> bytes | None:
    """The config property; None if it is not set. Raises FetchFailed for one that is encoded in some way."""
    site.ground.load_module(MODULE)
    with _service(site.ground.path(DEVICE)) as (device, client):
        if _property(device, client, ENCODING):
            raise FetchFailed(ENCODING, "config encodings are not supported", hint="store the config as it is")
        return _property(device, client, CONFIG)


def delete(site: Site) -> None:
    """Remove the config from the host, so that nobody in the guest can read it. Raises FetchFailed."""
    with _service(site.ground.path(DEVICE)) as (device, client):
        for name in (ENCODING, CONFIG):
            rc, _ = _call(device, client, DELETE_PROPERTY, [Parameter(POINTER_IN, _text(name))])
            if rc not in {0, NOT_FOUND}:
                raise FetchFailed(name, f"the host did not delete it (status {rc})")


@contextmanager
def _service(path: str) -> Iterator[tuple[int, int]]:
    """The device and our number at the host's property service."""
    try:
        device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise FetchFailed(path, error.strerror or "cannot be opened", hint="is this VirtualBox?") from error
    try:
        rc, answer = _control(device, CONNECT, struct.pack("=I128s", LOCAL_SERVICE, SERVICE))
        if rc:
            raise FetchFailed(path, f"the host has no guest property service (status {rc})")
        (client,) = struct.unpack_from("=I", answer)
        try:
            yield device, client
        finally:
            _control(device, DISCONNECT, struct.pack("=I", client))
    finally:
        os.close(device)


def _property(device: int, client: int, name: str) -> bytes | None:
    """The value of a property: what stands before the first NUL, its flags follow."""
    size = FIRST_BUFFER
    while True:
        buffer = ctypes.create_string_buffer(size)
        parameters = [
            Parameter(POINTER_IN, _text(name)),
            Parameter(POINTER_OUT, buffer),
            Parameter(NUMBER_64),
            Parameter(NUMBER_32),
        ]
        rc, answer = _call(device, client, GET_PROPERTY, parameters)
        if rc == BUFFER_OVERFLOW:
            (size,) = struct.unpack_from("=I", answer, len(answer) - 12)
            continue
        if rc == NOT_FOUND:
            return None
        if rc:
            raise FetchFailed(name, f"the host did not tell it (status {rc})")
        return buffer.value


def _call(device: int, client: int, function: int, parameters: Sequence[Parameter]) -> tuple[int, bytes]:
    call = struct.pack("=IIIBBH", client, function, 0xFFFFFFFF, 0, 0, len(parameters))
    return _control(device, CALL, call + b"".join(parameter.packed() for parameter in parameters))


def _control(device: int, number: int, payload: bytes) -> tuple[int, bytes]:
    """One ioctl: the host's status and the payload as it came back."""
    size = HEADER.size + len(payload)
    message = bytearray(HEADER.pack(size, VERSION, 0, 0, size, 0) + payload)
    try:
        fcntl.ioctl(device, request_number(number, size), message)
    except OSError as error:
        raise FetchFailed(DEVICE, error.strerror or "the driver refused") from error
    return int(HEADER.unpack_from(message)[3]), bytes(message[HEADER.size :])


def request_number(number: int, size: int) -> int:
    """_IOWR('V', number, size) of asm-generic/ioctl.h."""
    read_and_write = 3
    return read_and_write << 30 | size << 16 | ord("V") << 8 | number


def _text(text: str) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(text.encode())
