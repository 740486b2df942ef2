"""Hyper-V: the config among the key-value pairs that the host hands to the guest (KVP exchange).

Layout and protocol: linux/hyperv.h (`struct hv_kvp_msg`) and tools/hv/hv_kvp_daemon.c of the kernel. The host sends its
pairs when a daemon registers, and the kernel lets only one process be that daemon.
"""

from __future__ import annotations

import os
import select
import struct
from collections.abc import Iterator, Mapping

from provision.failures import FetchFailed
from provision.fetch.sources import Site

DEVICE = "/dev/vmbus/hv_kvp"
DRIVER = "/sys/bus/vmbus/drivers/hv_utils"
MODULE = "hv_utils"

MESSAGE_SIZE = 7430
KEY_AT, KEY_SIZE, VALUE_SIZE = 16, 512, 2048
REGISTER, SET = 100, 1
EXTERNAL_POOL = 0
OK, CONTINUE = 0, 0x80070103
"""Answers to the host: done, and "there are no more items" (HV_S_CONT)."""

SILENCE_MILLISECONDS = 1000
"""The host has said everything when it says nothing for so long; it gives no other sign."""

NAME = "ignition.config"


def ask(site: Site) -> bytes | None:
    """The config, whole or in numbered parts. Raises FetchFailed if the kernel does not let us ask."""
    if not site.ground.names(DRIVER):
        site.ground.load_module(MODULE)
    try:
        device = os.open(site.ground.path(DEVICE), os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise FetchFailed(DEVICE, error.strerror or "cannot be opened", hint="is hv_kvp_daemon running?") from error
    try:
        return joined(dict(pairs(device)))
    finally:
        os.close(device)


def pairs(device: int) -> Iterator[tuple[str, bytes]]:
    """Register as the daemon, and take the pairs that the host puts into its pool."""
    os.write(device, struct.pack("=BBH", REGISTER, 0, 0).ljust(MESSAGE_SIZE, b"\0"))
    listening = select.poll()
    listening.register(device, select.POLLIN)
    while listening.poll(SILENCE_MILLISECONDS):
        message = os.read(device, MESSAGE_SIZE)
        operation, pool = struct.unpack_from("=BB", message)
        if operation == REGISTER:
            continue
        if operation == SET and pool == EXTERNAL_POOL:
            yield _pair(message)
        answer = OK if operation == SET else CONTINUE
        os.write(device, struct.pack("=I", answer) + message[4:])


def joined(found: Mapping[str, bytes]) -> bytes | None:
    """The config of some pairs: under its name, or in parts under its name and a number, from 0 without a gap."""
    if NAME in found:
        return found[NAME]
    parts: list[bytes] = []
    while (key := f"{NAME}.{len(parts)}") in found:
        parts.append(found[key])
    return b"".join(parts) or None


def _pair(message: bytes) -> tuple[str, bytes]:
    """Key and value of a message; their sizes count the NUL at the end."""
    _, key_size, value_size = struct.unpack_from("=III", message, 4)
    key = message[KEY_AT : KEY_AT + min(key_size, KEY_SIZE)]
    value_at = KEY_AT + KEY_SIZE
    value = message[value_at : value_at + min(value_size, VALUE_SIZE)]
    return key.partition(b"\0")[0].decode("utf-8", "replace"), value.partition(b"\0")[0]
