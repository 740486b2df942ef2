"""Contents that a config carries itself (data URLs): their bytes, unpacked and verified, without any network."""

from __future__ import annotations

from provision.config.format import Resource
from provision.config.urls import BadDataUrl, decode_data_url

MAX_UNPACKED = 1 << 30
"""Bytes that a compressed inline content may unpack to."""


class InlineInvalid(ValueError):
    """The bytes cannot be unpacked, or are not the right ones. Its text holds none of them."""


def inline(resource: Resource) -> bytes | None:
    """The bytes of a resource that the config carries, or None for one that has to be fetched.

    An absent or empty source is an empty content, neither unpacked nor verified (as in the reference engine). Raises
    InlineInvalid.
    """
    if not resource.source:
        return b""
    if not resource.source.startswith("data:"):
        return None
    try:
        data = decode_data_url(resource.source)
    except BadDataUrl as malformed:
        raise InlineInvalid(str(malformed)) from None
    if resource.compression == "gzip":
        data = _gunzip(data)
    if resource.verification.hash is not None:
        _verify(data, resource.verification.hash)
    return data


def _gunzip(data: bytes) -> bytes:
    """All members of a gzip stream (RFC 1952)."""
    import zlib

    unpacked = b""
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(data, MAX_UNPACKED - len(unpacked))
        except zlib.error as error:
            raise InlineInvalid(f"gzip: {error}") from None
        if member.unconsumed_tail:
            raise InlineInvalid(f"gzip: unpacks to more than {MAX_UNPACKED} bytes")
        if not member.eof:
            raise InlineInvalid("gzip: unexpected end of data")
        data = member.unused_data
    return unpacked


def _verify(data: bytes, expected: str) -> None:
    import hashlib

    function, _, wanted = expected.partition("-")
    if function not in {"sha512", "sha256"}:
        raise InlineInvalid("unrecognized hash function")
    calculated = hashlib.new(function, data).hexdigest()
    if calculated != wanted.lower():
        raise InlineInvalid(f"hash verification failed (calculated {calculated} but expected {wanted})")
