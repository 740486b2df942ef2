"""Hyper-V: the config among the key-value pairs that the host hands to the guest (KVP exchange).

Layout and protocol: linux/hyperv.h (`struct hv_kvp_msg`) and tools/hv/hv_kvp_daemon.c of the kernel. The host sends its
pairs when a daemon registers, the kernel lets only one process be that daemon, and there is no second time in a boot.
So the pairs are kept: for later stages, and for the real daemon, which finds them in the installed system as if it had
written them. Only their mode is 0600, since a config may hold secrets; the daemon does not change it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from provision.failures import FetchFailed
from provision.fetch.platforms.context import FetchContext
from provision.fetch.running_system import MessageDevice

DEVICE = "/dev/vmbus/hv_kvp"
DRIVER = "/sys/bus/vmbus/drivers/hv_utils"
MODULE = "hv_utils"

MESSAGE_SIZE = 7432
KEY_AT, KEY_SIZE, VALUE_SIZE = 16, 512, 2048
RECORD_SIZE = KEY_SIZE + VALUE_SIZE
"""A pair in a file of the daemon: key and value, padded with NULs (`struct kvp_record`)."""

REGISTER, SET = 100, 1
EXTERNAL_POOL, POOLS = 0, 5
OK, CONTINUE = 0, 0x80070103
"""Answers to the host: done, and "there are no more items" (HV_S_CONT)."""

SILENCE_SECONDS = 1.0
"""The host has said everything when it says nothing for so long; it gives no other sign."""

FILE = "/var/lib/hyperv/.kvp_pool_"
NAME = "ignition.config"

Pools = Mapping[int, bytes]
"""The pairs of each pool, as the daemon's files have them."""


def ask(context: FetchContext) -> bytes | None:
    """The config, whole or in numbered parts. Raises FetchFailed if the kernel does not let us ask."""
    if f"{FILE}{EXTERNAL_POOL}" not in context.platform_files:
        context.platform_files.update((f"{FILE}{pool}", records) for pool, records in _read(context).items())
    return joined(dict(_pairs(context.platform_files[f"{FILE}{EXTERNAL_POOL}"])))


def _read(context: FetchContext) -> Pools:
    if not context.running_system.names(DRIVER):
        context.running_system.load_module(MODULE)
    try:
        with context.running_system.device(DEVICE) as device:
            return collected(device)
    except OSError as error:
        cause = error.strerror or "the driver refused"
        raise FetchFailed(DEVICE, cause, hint="is hv_kvp_daemon running?") from error


def collected(device: MessageDevice) -> Pools:
    """Register as the daemon, and keep the pairs that the host sets. Raises OSError."""
    pools: dict[int, dict[bytes, bytes]] = {pool: {} for pool in range(POOLS)}
    for message in _messages(device):
        operation, pool = struct.unpack_from("=BB", message)
        if operation == SET and pool in pools:
            key, value = _pair(message)
            pools[pool][key] = value
    return {pool: b"".join(_record(*pair) for pair in pairs.items()) for pool, pairs in pools.items()}


def joined(found: Mapping[str, bytes]) -> bytes | None:
    """The config of some pairs: under its name, or in parts under its name and a number, from 0 without a gap."""
    if found.get(NAME):
        return found[NAME]
    parts: list[bytes] = []
    while (key := f"{NAME}.{len(parts)}") in found:
        parts.append(found[key])
    return b"".join(parts) or None


def _messages(device: MessageDevice) -> Iterator[bytes]:
    """The messages of the host until it is silent; each is answered."""
    device.send(struct.pack("=BBH", REGISTER, 0, 0).ljust(MESSAGE_SIZE, b"\0"))
    while message := device.receive(MESSAGE_SIZE, SILENCE_SECONDS):
        if message[0] != REGISTER:
            yield message
            answer = OK if message[0] == SET else CONTINUE
            device.send(struct.pack("=I", answer) + message[4:])


def _pair(message: bytes) -> tuple[bytes, bytes]:
    """Key and value of a message; their sizes count the NUL at the end."""
    _, key_size, value_size = struct.unpack_from("=III", message, 4)
    key = message[KEY_AT : KEY_AT + min(key_size, KEY_SIZE)]
    value_at = KEY_AT + KEY_SIZE
    value = message[value_at : value_at + min(value_size, VALUE_SIZE)]
    return key.partition(b"\0")[0], value.partition(b"\0")[0]


def _record(key: bytes, value: bytes) -> bytes:
    return key.ljust(KEY_SIZE, b"\0") + value.ljust(VALUE_SIZE, b"\0")


def _pairs(records: bytes) -> Iterator[tuple[str, bytes]]:
    for at in range(0, len(records), RECORD_SIZE):
        key, value = records[at : at + KEY_SIZE], records[at + KEY_SIZE : at + RECORD_SIZE]
        yield key.rstrip(b"\0").decode("utf-8", "replace"), value.rstrip(b"\0")
