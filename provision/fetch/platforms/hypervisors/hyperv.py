"""Hyper-V: the config is one of the key-value pairs that the host sends to the guest (KVP exchange).

Layout and protocol: linux/hyperv.h (`struct hv_kvp_msg`) and tools/hv/hv_kvp_daemon.c of the kernel. The host sends the
pairs when a daemon registers. The kernel accepts one process as the daemon, once in a boot. So the pairs are stored,
for later stages and for hv_kvp_daemon of the installed system, in the files that it would have written. Their mode is
0600, because a config may hold secrets; the daemon does not change it.
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
"""Bytes of a message of the driver."""

KEY_AT, KEY_SIZE, VALUE_SIZE = 16, 512, 2048
RECORD_SIZE = KEY_SIZE + VALUE_SIZE
"""Bytes of a pair in a file of the daemon: key and value, padded with NULs (`struct kvp_record`)."""

REGISTER, SET = 100, 1
EXTERNAL_POOL, POOLS = 0, 5
OK, CONTINUE = 0, 0x80070103
"""Answers to the host: done, and "there are no more items" (HV_S_CONT)."""

SILENCE_SECONDS = 1.0
"""After so many seconds without a message the host has sent all pairs; the protocol has no message for the end."""

FILE = "/var/lib/hyperv/.kvp_pool_"
NAME = "ignition.config"

Pools = Mapping[int, bytes]
"""The pairs of each pool, in the form of the daemon's files."""


def ask(context: FetchContext) -> bytes | None:
    """The config, from one pair or joined from numbered ones. Raises FetchFailed if the driver refuses."""
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
    """Register as the daemon, and return the pairs that the host sets. Raises OSError."""
    pools: dict[int, dict[bytes, bytes]] = {pool: {} for pool in range(POOLS)}
    for message in _messages(device):
        operation, pool = struct.unpack_from("=BB", message)
        if operation == SET and pool in pools:
            key, value = _pair(message)
            pools[pool][key] = value
    return {pool: b"".join(_record(*pair) for pair in pairs.items()) for pool, pairs in pools.items()}


def joined(found: Mapping[str, bytes]) -> bytes | None:
    """The config in these pairs: the value of its name, or the joined values of its name with `.0`, `.1` and so on."""
    if found.get(NAME):
        return found[NAME]
    parts: list[bytes] = []
    while (key := f"{NAME}.{len(parts)}") in found:
        parts.append(found[key])
    return b"".join(parts) or None


def _messages(device: MessageDevice) -> Iterator[bytes]:
    """The messages of the host until it sends no more. Each message is answered."""
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
