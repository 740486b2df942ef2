"""Decompresses zstd with libzstd, which kmod and systemd bring into nearly every initramfs. ctypes is loaded lazily."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ctypes

_LIBRARY = "libzstd.so.1"

_PART = 1 << 17
"""Bytes of output at once: the largest block of a frame (RFC 8878, 3.1.1.2.4)."""


def unzstd(raw: bytes) -> Iterator[bytes] | None:
    """The contents of zstd frames one after the other, in parts of 128 KiB at most; None if there is no libzstd.

    Reading the parts raises ValueError if the frames are damaged or cut short, or if one needs more than 128 MiB of
    memory (the library's limit). Source: zstd.h, "Streaming decompression".
    """
    library = _loaded()
    return None if library is None else _parts(library, raw)


def _parts(library: ctypes.CDLL, raw: bytes) -> Iterator[bytes]:
    import ctypes

    contents = ctypes.create_string_buffer(_PART)
    taken, made = _buffer(ctypes.c_char_p(raw), len(raw)), _buffer(contents, _PART)
    stream = library.ZSTD_createDCtx()
    if not stream:
        raise MemoryError
    try:
        while True:
            made.pos = 0
            missing = library.ZSTD_decompressStream(stream, ctypes.byref(made), ctypes.byref(taken))
            if library.ZSTD_isError(missing):
                raise ValueError(library.ZSTD_getErrorName(missing).decode())
            yield contents.raw[: made.pos]
            if taken.pos == taken.size and made.pos < made.size and missing:
                raise ValueError("cut short")
            if taken.pos == taken.size and not missing:
                return
    finally:
        library.ZSTD_freeDCtx(stream)


def _buffer(start: Any, size: int) -> Any:
    """ZSTD_inBuffer and ZSTD_outBuffer have the same three fields."""
    import ctypes

    class Buffer(ctypes.Structure):
        _fields_ = (("start", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t))

    return Buffer(ctypes.cast(start, ctypes.c_void_p), size, 0)


@cache
def _loaded() -> ctypes.CDLL | None:
    import ctypes

    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    library.ZSTD_createDCtx.restype = ctypes.c_void_p
    library.ZSTD_freeDCtx.argtypes = (ctypes.c_void_p,)
    library.ZSTD_decompressStream.argtypes = (ctypes.c_void_p,) * 3
    library.ZSTD_decompressStream.restype = ctypes.c_size_t
    library.ZSTD_isError.argtypes = library.ZSTD_getErrorName.argtypes = (ctypes.c_size_t,)
    library.ZSTD_getErrorName.restype = ctypes.c_char_p
    return library
