"""VirtualBox: the config in a guest property, asked of the host over HGCM.

Sources: linux/vboxguest.h and linux/vbox_vmmdev_types.h for the layout, VirtualBox's
VBox/HostServices/GuestPropertySvc.h for the functions of the property service. The driver refuses a request if the
sizes in its header are not exactly the expected ones (vbg_ioctl_chk).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from provision.failures import FetchFailed
from provision.fetch.platforms.context import FetchContext

DEVICE = "/dev/vboxguest"
MODULE = "vboxguest"
SERVICE = b"VBoxGuestPropSvc"
CONFIG, ENCODING = "/Ignition/Config", "/Ignition/Config/Encoding"

HEADER = struct.Struct("=IIIiII")  # size_in, version, type, rc, size_out, reserved
HEADER_VERSION = 0x10001
DRIVER_VERSION = 0x10000
VERSION_INFO, CONNECT, DISCONNECT, CALL = 0, 4, 5, 7
VERSION_SIZE, CLIENT_SIZE = 20, 4
"""Bytes of the answers to VERSION_INFO and CONNECT."""

LOCAL_SERVICE = 2
GET_PROPERTY, DELETE_PROPERTY = 1, 4

NUMBER_32, NUMBER_64, POINTER, POINTER_IN = 1, 2, 4, 5
NOT_FOUND, BUFFER_OVERFLOW, PERMISSION_DENIED = -78, -41, -10
FIRST_BUFFER = 1 << 16

Control = Callable[[int, bytearray], object]
"""ioctl(2) on the device: takes a request number and a message; the driver overwrites the message. Raises OSError."""


class Parameter(NamedTuple):
    """An argument of a call to the host: a number, or a buffer that the host reads or writes."""

    kind: int
    buffer: array[int] | None = None

    def packed(self) -> bytes:
        """The form for the kernel: 4 bytes of type and 12 bytes of value."""
        if self.buffer is None:
            return struct.pack("=IQI", self.kind, 0, 0)
        return struct.pack("=IIQ", self.kind, len(self.buffer), self.buffer.buffer_info()[0])


def ask(context: FetchContext) -> bytes | None:
    """The config property; None if it is not set. Raises FetchFailed if an encoding is set or the host fails."""
    context.running_system.load_module(MODULE)
    with _device(context) as control:
        return config(control)


def delete(context: FetchContext) -> None:
    """Remove the config from the host, so that no process in the guest can read it. Raises FetchFailed."""
    with _device(context) as control:
        remove(control)


def config(control: Control) -> bytes | None:
    """The config property, read by these ioctls. Raises as `ask`."""
    with _service(control) as client:
        if _property(control, client, ENCODING):
            raise FetchFailed(ENCODING, "config encodings are not supported", hint="store the config as it is")
        return _property(control, client, CONFIG)


def remove(control: Control) -> None:
    """Delete the config properties by these ioctls. Raises as `delete`."""
    with _service(control) as client:
        for name in (ENCODING, CONFIG):
            rc, _ = _call(control, client, DELETE_PROPERTY, [Parameter(POINTER_IN, _text(name))])
            if rc not in {0, NOT_FOUND}:
                hint = "is the property read-only?" if rc == PERMISSION_DENIED else ""
                raise FetchFailed(name, f"the host did not delete it (status {rc})", hint=hint)


@contextmanager
def _device(context: FetchContext) -> Iterator[Control]:
    try:
        with context.running_system.control(DEVICE) as control:
            yield control
    except OSError as error:
        raise FetchFailed(DEVICE, error.strerror or "cannot be opened", hint="is this VirtualBox?") from error


@contextmanager
def _service(control: Control) -> Iterator[int]:
    """Connect to the host's property service, and give the client number."""
    rc, _ = _control(control, VERSION_INFO, struct.pack("=IIII", DRIVER_VERSION, DRIVER_VERSION, 0, 0), VERSION_SIZE)
    if rc:
        raise FetchFailed(DEVICE, f"the driver has another version (status {rc})")
    rc, answer = _control(control, CONNECT, struct.pack("=I128s", LOCAL_SERVICE, SERVICE), CLIENT_SIZE)
    if rc:
        raise FetchFailed(DEVICE, f"the host has no guest property service (status {rc})")
    (client,) = struct.unpack_from("=I", answer)
    try:
        yield client
    finally:
        _control(control, DISCONNECT, struct.pack("=I", client), 0)


def _property(control: Control, client: int, name: str) -> bytes | None:
    """The value of a property, None if it is not set. The answer is the value, a NUL, and more fields."""
    size = FIRST_BUFFER
    while True:
        buffer = array("B", bytes(size))
        parameters = [
            Parameter(POINTER_IN, _text(name)),
            Parameter(POINTER, buffer),
            Parameter(NUMBER_64),
            Parameter(NUMBER_32),
        ]
        rc, answer = _call(control, client, GET_PROPERTY, parameters)
        if rc == BUFFER_OVERFLOW:
            (size,) = struct.unpack_from("=I", answer, len(answer) - 12)
            continue
        if rc == NOT_FOUND:
            return None
        if rc:
            raise FetchFailed(name, f"the host did not return it (status {rc})")
        return buffer.tobytes().partition(b"\0")[0]


def _call(control: Control, client: int, function: int, parameters: Sequence[Parameter]) -> tuple[int, bytes]:
    call = struct.pack("=IIIBBH", client, function, 0xFFFFFFFF, 0, 0, len(parameters))
    call += b"".join(parameter.packed() for parameter in parameters)
    return _control(control, CALL, call, len(call))


def _control(control: Control, number: int, payload: bytes, answer_size: int) -> tuple[int, bytes]:
    """One ioctl: the host's status and the payload of its answer."""
    size_in, size_out = HEADER.size + len(payload), HEADER.size + answer_size
    message = bytearray(HEADER.pack(size_in, HEADER_VERSION, 0, 0, size_out, 0) + payload)
    message += bytes(max(0, size_out - size_in))
    try:
        control(request_number(number, len(message)), message)
    except OSError as error:
        raise FetchFailed(DEVICE, error.strerror or "the driver refused") from error
    return int(HEADER.unpack_from(message)[3]), bytes(message[HEADER.size : size_out])


def request_number(number: int, size: int) -> int:
    """_IOWR('V', number, size) of asm-generic/ioctl.h."""
    read_and_write = 3
    return read_and_write << 30 | size << 16 | ord("V") << 8 | number


def _text(text: str) -> array[int]:
    """A text in UTF-8 with a NUL at its end."""
    return array("B", text.encode() + b"\0")
