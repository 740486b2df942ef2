"""Reading the header of a LUKS volume (LUKS2 on-disk format 1.1.4, chapter 2; LUKS1 1.2.3). Never writes."""

from __future__ import annotations

import os
import struct

from provision.planning.machine_view import LuksHeader

_MAGIC = b"LUKS\xba\xbe"
_START = struct.Struct(">6sHQ")
_JSON_AT = 4096
_LARGEST_HEADER = 4 << 20


def read(path: str, offset: int = 0, opened: str = "") -> LuksHeader | None:
    """The header on a device or image, at `offset` bytes; None if there is none. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        magic, version, size = _START.unpack(os.pread(fd, _START.size, offset).ljust(_START.size, b"\0"))
        if magic != _MAGIC:
            return None
        if version == 1 or not _JSON_AT < size <= _LARGEST_HEADER:
            return LuksHeader(version, opened=opened)
        return _described(version, os.pread(fd, size - _JSON_AT, offset + _JSON_AT), opened)
    finally:
        os.close(fd)


def _described(version: int, area: bytes, opened: str) -> LuksHeader:
    import json

    try:
        metadata = json.loads(area.split(b"\0", 1)[0])
        flags = metadata.get("config", {}).get("flags", [])
        tokens = [token.get("type", "") for token in metadata.get("tokens", {}).values()]
        keyless = metadata.get("keyslots") == {}
    except (ValueError, AttributeError):  # a damaged header; cryptsetup reports it later
        flags, tokens, keyless = [], [], False
    return LuksHeader(version, tuple(flags), tuple(tokens), opened, keyless)
