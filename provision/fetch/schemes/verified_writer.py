"""Where the bytes of a resource go in: decompressed, bounded, hashed and at the end verified, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from provision.config.format import Resource
from provision.failures import FetchFailed
from provision.fetch.compression import Gunzip

if TYPE_CHECKING:
    from hashlib import _Hash

RATIO_LIMIT = 200
RATIO_FROM = 64 << 20
"""A gzip stream may not grow to more than 200 times its size, once it has grown beyond 64 MiB."""

HASHES = frozenset({"sha256", "sha512"})


class VerifiedWriter:
    """Writes one resource into a file. `name` is how messages call it, `limit` the most bytes it may have, 0 is any."""

    def __init__(self, name: str, resource: Resource, into: BinaryIO, limit: int = 0) -> None:
        self._name = name
        self._into = into
        self._limit = limit
        self._start = into.tell() if into.seekable() else None
        self._gzip = _is_gzip(name, resource)
        self._expected = (resource.verification.hash or "").lower()
        self._restart()

    def take(self, chunks: Iterable[bytes]) -> None:
        """Take a whole body. Called again, it begins anew. Raises FetchFailed if the bytes are not the right ones."""
        self._restart()
        for chunk in chunks:
            self._arrived += len(chunk)
            for part in self._gunzip.feed(chunk) if self._gunzip else (chunk,):
                self._write(part)
        if self._gunzip:
            self._gunzip.end()
        self._verify()

    def _restart(self) -> None:
        self._arrived = self._written = 0
        self._gunzip = Gunzip(self._name) if self._gzip else None
        self._hash = _hash(self._name, self._expected)
        if self._start is not None:
            self._into.seek(self._start)
            self._into.truncate()

    def _write(self, part: bytes) -> None:
        self._written += len(part)
        if self._limit and self._written > self._limit:
            self._fail(f"larger than the limit of {self._limit >> 20} MiB")
        if self._gunzip and self._written > max(RATIO_FROM, RATIO_LIMIT * self._arrived):
            self._fail(f"decompresses to more than {RATIO_LIMIT} times its size", "serve it without compression")
        if self._hash:
            self._hash.update(part)
        try:
            self._into.write(part)
        except OSError as error:
            raise _unwritten(self._name, error) from error

    def _verify(self) -> None:
        try:
            self._into.flush()
        except OSError as error:
            raise _unwritten(self._name, error) from error
        if self._hash is None:
            return
        calculated = f"{self._hash.name}-{self._hash.hexdigest()}"
        if calculated != self._expected:
            self._fail(
                f"hash verification failed (calculated {_sum(calculated)} but expected {_sum(self._expected)})",
                "the file changed since the config was written, or something on the way changes it",
            )

    def _fail(self, cause: str, hint: str = "") -> None:
        raise FetchFailed(self._name, cause, hint=hint)


def _unwritten(name: str, error: OSError) -> FetchFailed:
    """The failure of whoever keeps the bytes, which no other attempt would mend."""
    told = error.strerror or "it cannot be written"
    return FetchFailed(
        name, f"could not be kept: {told}", hint="make room where the file is to be, or let it go elsewhere"
    )


def _is_gzip(name: str, resource: Resource) -> bool:
    compression = resource.compression or ""
    if compression not in {"", "gzip"}:
        raise FetchFailed(name, "invalid compression method")
    return compression == "gzip"


def _hash(name: str, expected: str) -> _Hash | None:
    if not expected:
        return None
    from hashlib import new

    kind, _, digits = expected.partition("-")
    if kind not in HASHES:
        raise FetchFailed(name, "unrecognized hash function")
    try:
        bytes.fromhex(digits)
    except ValueError as error:
        raise FetchFailed(name, "the expected hash is not hexadecimal") from error
    return new(kind)


def _sum(specifier: str) -> str:
    return specifier.partition("-")[2]
