"""Bytes that a config carries itself: a resource whose source is a data URL, or empty.

Stages write these without the detour of a fetch, so a config with thousands of small files stays cheap.
"""

from __future__ import annotations

from provision.config.format import Resource
from provision.config.urls import DataUrlError, decode_data

LIMIT = 64 << 20
"""The most bytes that inline contents may decompress to."""

# zlib.h: 15 bits of window, plus 16 for the gzip format
GZIP = 31


class InlineInvalid(ValueError):  # noqa: N818 - the field says so
    """Inline contents cannot be read, or are not the expected ones. Its text holds none of them."""


def inline(resource: Resource) -> bytes | None:
    """The decompressed, verified bytes of a resource that needs no network; None if it needs one.

    An empty source is empty contents, neither verified nor decompressed. Raises InlineInvalid.
    """
    source = resource.source or ""
    if source and source[:5].lower() != "data:":
        return None
    if not source:
        return b""
    try:
        data = decode_data(source)
    except DataUrlError as error:
        raise InlineInvalid(str(error)) from error
    if resource.compression:
        data = _decompressed(data, resource.compression)
    if resource.verification.hash:
        verify(data, resource.verification.hash)
    return data


def verify(data: bytes, expected: str) -> None:
    """Compare bytes with a checksum written as `sha512-<hex>`. Raises InlineInvalid if they differ."""
    from hashlib import new

    kind, _, digits = expected.lower().partition("-")
    if kind not in {"sha256", "sha512"}:
        raise InlineInvalid("unrecognized hash function")
    calculated = new(kind, data).hexdigest()
    if calculated != digits:
        raise InlineInvalid(f"hash verification failed (calculated {calculated} but expected {digits})")


def _decompressed(data: bytes, compression: str) -> bytes:
    if compression != "gzip":
        raise InlineInvalid("invalid compression method")
    whole = bytearray()
    while data:
        part, data = _member(data, LIMIT - len(whole))
        whole += part
    return bytes(whole)


def _member(data: bytes, limit: int) -> tuple[bytes, bytes]:
    """The contents of the first member of a gzip stream, and what follows it."""
    import zlib

    member = zlib.decompressobj(GZIP)
    try:
        contents = member.decompress(data, limit + 1)
    except zlib.error as error:
        raise InlineInvalid("not a gzip stream, or a damaged one") from error
    if len(contents) > limit:
        raise InlineInvalid(f"inline contents decompress to more than {LIMIT >> 20} MiB")
    if not member.eof:
        raise InlineInvalid("the gzip stream is cut short")
    return contents, member.unused_data
