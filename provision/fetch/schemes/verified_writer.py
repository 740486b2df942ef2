"""Write a resource to a file: decompress it, limit its size and verify its checksum, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from provision.config.format import Resource
from provision.config.resources.content import Checksum, ContentInvalid, Gunzip
from provision.failures import FetchFailed

RATIO_LIMIT = 200
RATIO_FROM = 64 << 20
"""Beyond 64 MiB a gzip stream may not decompress to more than 200 times its size."""

CHANGED = "the file changed since the config was written, or something on the way changes it"


class VerifiedWriter:
    """Writes one resource into a file. Messages call it `name`. `limit` is its maximal size in bytes, 0 for no limit.

    Raises FetchFailed for an unknown compression or an unknown kind of checksum.
    """

    def __init__(self, name: str, resource: Resource, into: BinaryIO, limit: int = 0) -> None:
        self._name = name
        self._into = into
        self._limit = limit
        self._start = into.tell() if into.seekable() else None
        self._is_gzip = _is_gzip(name, resource)
        self._expected = resource.verification.hash or ""
        self._restart()

    def take(self, chunks: Iterable[bytes]) -> None:
        """Write a whole body. A second call starts the file anew. Raises FetchFailed if the body is not valid."""
        self._restart()
        try:
            for chunk in chunks:
                self._arrived += len(chunk)
                for part in self._gunzip.feed(chunk) if self._gunzip else (chunk,):
                    self._write(part)
        except ContentInvalid as error:
            raise FetchFailed(self._name, str(error)) from error
        if self._gunzip and not self._gunzip.is_whole:
            raise FetchFailed(self._name, "the gzip stream is cut short or empty")
        self._verify()

    def _restart(self) -> None:
        self._arrived = self._written = 0
        self._gunzip = Gunzip() if self._is_gzip else None
        try:
            self._checksum = Checksum(self._expected) if self._expected else None
        except ContentInvalid as error:
            raise FetchFailed(self._name, str(error)) from error
        if self._start is not None:
            self._into.seek(self._start)
            self._into.truncate()

    def _write(self, part: bytes) -> None:
        self._written += len(part)
        if self._limit and self._written > self._limit:
            raise FetchFailed(self._name, f"larger than the limit of {self._limit >> 20} MiB")
        if self._gunzip and self._written > max(RATIO_FROM, RATIO_LIMIT * self._arrived):
            cause = f"decompresses to more than {RATIO_LIMIT} times its size"
            raise FetchFailed(self._name, cause, hint="serve it without compression")
        if self._checksum:
            self._checksum.update(part)
        try:
            self._into.write(part)
        except OSError as error:
            raise _not_written(self._name, error) from error

    def _verify(self) -> None:
        try:
            self._into.flush()
        except OSError as error:
            raise _not_written(self._name, error) from error
        try:
            if self._checksum:
                self._checksum.verify()
        except ContentInvalid as error:
            raise FetchFailed(self._name, str(error), hint=CHANGED) from error


def _not_written(name: str, error: OSError) -> FetchFailed:
    """The failure to write the file. It is final, as another attempt would fail too."""
    cause = f"could not be written: {error.strerror or 'unknown error'}"
    return FetchFailed(name, cause, hint="make room where the file is to be, or write it to another file system")


def _is_gzip(name: str, resource: Resource) -> bool:
    compression = resource.compression or ""
    if compression not in {"", "gzip"}:
        raise FetchFailed(name, "invalid compression method")
    return compression == "gzip"
