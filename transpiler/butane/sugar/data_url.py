"""Contents -> data URL, in the shortest form."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from provision.config.data_urls import base64_encoded, percent_encoded, percent_encoded_length


class DataUrl(NamedTuple):
    """A URL that holds its contents; `compression` says how they are compressed, None leaves that as it was."""

    source: str
    compression: str | None


def escaped(contents: bytes) -> DataUrl:
    """The only form that variants of spec 3.0 make: percent-escaped, never compressed."""
    return DataUrl(percent_encoded(contents), None)


def data_url(contents: bytes, compression: str | None, *, gzip: bool) -> DataUrl:
    """The shortest of the forms percent-escaped, base64, and (if allowed) compressed base64.

    What the author compressed is not compressed again. The compressed form must be shorter by more than 4 bytes; it
    counts 2 bytes more than zlib makes, because Go's compressor mostly makes so many more (-3 to 7 over 2,100 files).
    Source: coreos/butane `base/util/url.go`.
    """
    plain = percent_encoded_length(contents)
    encoded = _length(len(contents))
    shortest = min(plain, encoded)
    if gzip and not compression and _length(_SMALLEST_GZIP) < shortest:
        packed = _gzip(contents)
        if _length(len(packed) + _GO_DIFFERENCE) + 4 < shortest:
            return DataUrl(base64_encoded(packed), "gzip")
    kept = None if compression else ""
    if encoded < plain:
        return DataUrl(base64_encoded(contents), kept)
    return DataUrl(escaped(contents).source, kept)


_SMALLEST_GZIP = 20

_GO_DIFFERENCE = 2


def _length(size: int) -> int:
    """The length of so many bytes as base64 in a data URL, the scheme included."""
    return len("data:;base64,") + (size + 2) // 3 * 4


def _gzip(contents: bytes) -> bytes:
    """A gzip stream without a time and without the name of a system (RFC 1952)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(contents) + packer.flush()
    trailer = zlib.crc32(contents).to_bytes(4, "little") + (len(contents) & 0xFFFFFFFF).to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + packed + trailer
