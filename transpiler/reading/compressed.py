"""Configs that are compressed as a whole, as `transpile pack --engine provision` writes them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from provision.config.json_text.parse import MAX_BYTES
from provision.config.resources.content import ContentInvalid, gunzipped

_GZIP = b"\x1f\x8b"

_ZSTD = b"\x28\xb5\x2f\xfd"


def uncompressed(raw: bytes) -> bytes:
    """The config inside gzip or zstd, at most MAX_BYTES. What is not compressed, damaged or larger stays as it is."""
    if raw.startswith(_GZIP):
        try:
            return gunzipped(raw, MAX_BYTES)
        except ContentInvalid:
            return raw
    return _unzstd(raw) if raw.startswith(_ZSTD) else raw


def _unzstd(raw: bytes) -> bytes:
    module = zstd_module()
    if module is None:
        return raw
    stream = module.ZstdDecompressor()
    try:
        contents: bytes = stream.decompress(raw, MAX_BYTES + 1)
    except module.ZstdError:
        return raw
    return contents if stream.eof and len(contents) <= MAX_BYTES else raw


def zstd_module() -> Any:
    """The module that reads and writes zstd: of Python 3.14, or of the package backports.zstd; None without both."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None
