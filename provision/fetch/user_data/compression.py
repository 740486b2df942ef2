"""Compressed user data -> bytes: gzip, xz and zstd are recognised by content, and bounded in size, ratio and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from provision.config.resources.content import STEP, ContentInvalid, Gunzip
from provision.failures import FetchFailed
from provision.fetch.running_system import Unzstd, no_unzstd
from provision.fetch.settings import CONFIG_LIMIT

if TYPE_CHECKING:
    from lzma import LZMADecompressor

RATIO_LIMIT = 200
RATIO_FROM = 1 << 20
"""A config may not decompress to more than 200 times its size, once it is larger than 1 MiB."""

LAYER_LIMIT = 3
"""How many compressions in one another are undone; the rest is taken for the config."""

PIECE = 4 << 10
"""How many compressed bytes are given to a decompressor at once, because it copies what follows the end of a stream."""

XZ_MEMORY_LIMIT = 80 << 20
"""Bytes; `xz -9` needs 65 MiB to decompress (xz(1))."""

Decompress = Callable[[bytes, str], Iterator[bytes]]
"""Takes compressed bytes and the name of their source, for messages; yields the contents in parts."""


def decompressed(raw: bytes, source: str, unzstd: Unzstd = no_unzstd) -> bytes:
    """The bytes inside all compressions. Raises FetchFailed if they are damaged, too large, or zstd cannot be read."""
    formats: Mapping[bytes, Decompress] = {**FORMATS, ZSTD: partial(_unzstd, unzstd=unzstd)}
    for _ in range(LAYER_LIMIT):
        decompress = next((one for magic, one in formats.items() if raw.startswith(magic)), None)
        if decompress is None:
            break
        raw = _bounded(decompress(raw, source), len(raw), source)
    return raw


def is_compressed(raw: bytes) -> bool:
    """Whether bytes begin as one of the compressions."""
    return raw.startswith((*FORMATS, ZSTD))


def _gunzip(raw: bytes, source: str) -> Iterator[bytes]:
    stream = Gunzip(padded=True)
    try:
        yield from stream.feed(raw)
    except ContentInvalid as error:
        raise FetchFailed(source, str(error)) from error
    if not stream.is_whole:
        raise FetchFailed(source, "the gzip stream is cut short")


def _unxz(raw: bytes, source: str) -> Iterator[bytes]:
    stream = Unxz(source)
    yield from stream.feed(raw)
    stream.end()


class Unxz:
    """An xz file of any number of streams, with padding between them (The .xz File Format, 2.2)."""

    def __init__(self, name: str) -> None:
        import lzma

        self._lzma = lzma
        self._name = name
        self._stream = self._new()
        self._padding = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The contents of the next bytes. Raises FetchFailed if they are not xz, or need too much memory."""
        try:
            for at in range(0, len(data), PIECE):
                yield from self._feed(data[at : at + PIECE])
        except self._lzma.LZMAError as error:
            raise FetchFailed(
                self._name, "not an xz stream, a damaged one, or one that needs too much memory"
            ) from error

    def _feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:
                rest = data.lstrip(b"\0")
                self._padding += len(data) - len(rest)
                if not rest:
                    return
                self._check_padding()
                self._stream, data = self._new(), rest
            yield self._stream.decompress(data, STEP)
            while not (self._stream.eof or self._stream.needs_input):
                yield self._stream.decompress(b"", STEP)
            data = self._stream.unused_data

    def end(self) -> None:
        """Raise FetchFailed if the file is not complete."""
        if not self._stream.eof:
            raise FetchFailed(self._name, "the xz stream is cut short")
        self._check_padding()

    def _new(self) -> LZMADecompressor:
        return self._lzma.LZMADecompressor(self._lzma.FORMAT_XZ, memlimit=XZ_MEMORY_LIMIT)

    def _check_padding(self) -> None:
        if self._padding % 4:
            raise FetchFailed(self._name, "the padding between xz streams is damaged")
        self._padding = 0


def _unzstd(raw: bytes, source: str, unzstd: Unzstd) -> Iterator[bytes]:
    parts = unzstd(raw)
    if parts is None:
        hint = "compress it with gzip or xz instead, or put libzstd.so.1 into the initramfs"
        raise FetchFailed(source, "is compressed with zstd, which cannot be read here", hint=hint)
    try:
        yield from parts
    except ValueError as error:
        raise FetchFailed(source, "looks like zstd, but is damaged") from error


FORMATS: Mapping[bytes, Decompress] = {
    b"\x1f\x8b": _gunzip,
    b"\xfd7zXZ\x00": _unxz,
}
"""The first bytes of each format that Python decompresses itself."""

ZSTD = b"\x28\xb5\x2f\xfd"


def _bounded(parts: Iterator[bytes], size: int, source: str) -> bytes:
    contents = bytearray()
    for part in parts:
        contents += part
        if len(contents) > CONFIG_LIMIT:
            raise FetchFailed(source, f"decompresses to more than {CONFIG_LIMIT >> 20} MiB")
        if len(contents) > max(RATIO_FROM, RATIO_LIMIT * size):
            raise FetchFailed(source, f"decompresses to more than {RATIO_LIMIT} times its size")
    return bytes(contents)
