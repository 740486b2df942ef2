"""The bytes of a resource: gzip in bounded steps, checksums, and the contents that a config itself holds."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

from provision.config.format import Resource
from provision.config.resources.data_urls import BadDataUrl, decode_data_url

if TYPE_CHECKING:
    import zlib
    from hashlib import _Hash

MAX_INLINE = 64 << 20
"""The largest size in bytes that all compressed contents of a config together may have after decompression."""

STEP = 1 << 20
_SLICE = 1 << 14
_GZIP_FORMAT = 31
"""zlib.h: 15 bits of window, plus 16 for the gzip format."""

_DIGITS = {"sha512": 128, "sha256": 64}


class ContentInvalid(ValueError):
    """The bytes cannot be decompressed, or are not the expected ones. The message never holds any of the bytes."""


class ContentTooLarge(ContentInvalid):
    """The bytes decompress to more than all contents of a config together may have."""


class Gunzip:
    """A gzip stream (RFC 1952) of any number of members, decompressed in steps of at most STEP bytes.

    `is_whole` says whether the stream ended at the end of a member. NUL bytes after a member of a `padded` stream are
    skipped, as gzip(1) does.
    """

    def __init__(self, *, padded: bool = False) -> None:
        self.is_whole = False
        self._is_padded = padded
        self._member = _new_member()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the decompressed form of the next bytes, in parts. Raises ContentInvalid if they are not gzip.

        zlib gets the bytes in slices, because it copies the bytes that follow the end of each member.
        """
        for start in range(0, len(data), _SLICE):
            yield from self._feed(data[start : start + _SLICE])

    def _feed(self, data: bytes) -> Iterator[bytes]:
        import zlib

        more = bool(data)
        while more:
            if self._member.eof:
                data = data.lstrip(b"\0") if self._is_padded else data
                if not data:
                    return
                self._member = _new_member()
            try:
                part = self._member.decompress(data, STEP)
            except zlib.error as error:
                raise ContentInvalid("not a gzip stream, or a damaged one") from error
            if part:
                yield part
            self.is_whole = self._member.eof
            data = self._member.unused_data if self.is_whole else self._member.unconsumed_tail
            more = bool(data) or (len(part) == STEP and not self.is_whole)


def _new_member() -> zlib._Decompress:
    import zlib

    return zlib.decompressobj(_GZIP_FORMAT)


class Checksum:
    """The checksum that a config demands (`sha512-` or `sha256-` and hexadecimal digits), for bytes fed in parts."""

    def __init__(self, written: str) -> None:
        """Raises ContentInvalid if the text is no checksum."""
        from hashlib import new

        function, dash, digits = written.lower().partition("-")
        if not dash:
            raise ContentInvalid("malformed hash specifier")
        if function not in _DIGITS:
            raise ContentInvalid("unrecognized hash function")
        if len(digits) != _DIGITS[function] or not set(digits) <= set("0123456789abcdef"):
            raise ContentInvalid(f"the expected hash is not {_DIGITS[function]} hexadecimal digits")
        self._expected = digits
        self._hash: _Hash = new(function)

    def update(self, part: bytes) -> None:
        """Add the next bytes."""
        self._hash.update(part)

    def verify(self) -> None:
        """Raises ContentInvalid if the bytes so far are not the expected ones."""
        calculated = self._hash.hexdigest()
        if calculated != self._expected:
            raise ContentInvalid(f"hash verification failed (calculated {calculated} but expected {self._expected})")


def inline_content(resource: Resource, limit: int = MAX_INLINE) -> bytes | None:
    """The bytes of a resource that the config carries, or None for one that has to be fetched.

    An absent or empty source means empty contents, which are neither decompressed nor verified (as in Ignition). Raises
    ContentInvalid, and ContentTooLarge if the bytes decompress to more than `limit`.
    """
    if not resource.source:
        return b""
    if not resource.source.startswith("data:"):
        return None
    try:
        data = decode_data_url(resource.source)
    except BadDataUrl as bad:
        raise ContentInvalid(str(bad)) from None
    if resource.compression == "gzip":
        data = gunzipped(data, limit)
    if resource.verification.hash is not None:
        checksum = Checksum(resource.verification.hash)
        checksum.update(data)
        checksum.verify()
    return data


def gunzipped(data: bytes, limit: int) -> bytes:
    """The bytes inside gzip. Raises ContentInvalid if damaged, ContentTooLarge if they are more than `limit`."""
    stream, whole = Gunzip(), BytesIO()
    for part in stream.feed(data):
        if whole.tell() + len(part) > limit:
            raise ContentTooLarge(
                f"gzip: all contents in a config may decompress to {MAX_INLINE >> 20} MiB; fetch this one from a URL"
            )
        whole.write(part)
    if not stream.is_whole:
        raise ContentInvalid("gzip: unexpected end of data")
    return whole.getvalue()
