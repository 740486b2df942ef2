"""Contents -> data URL, and local files -> contents."""

from __future__ import annotations

import os
import posixpath
import stat
import zlib
from base64 import b64encode
from typing import NamedTuple

MAX_LOCAL = 256 * 1024 * 1024

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"
_ESCAPED = [chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)]

NO_FILES_DIR = "local file paths are relative to a files directory that must be specified with -d/--files-dir"
ESCAPES = "local file path traverses outside the files directory"


class DataUrl(NamedTuple):
    """A URL that holds its contents; `compression` says how they are compressed, None leaves that as it was."""

    source: str
    compression: str | None


def escaped(contents: bytes) -> DataUrl:
    """The only form that the first version makes: percent-escaped, never compressed."""
    return DataUrl("data:," + "".join([_ESCAPED[byte] for byte in contents]), None)


def data_url(contents: bytes, compression: str | None, *, gzip: bool) -> DataUrl:
    """The shortest of the forms percent-escaped, base64, and (if allowed) compressed base64.

    What the author compressed is not compressed again. The compressed form must win by 4 bytes and is reckoned
    2 bytes longer than zlib makes it, as the reference's compressor mostly does (from -3 to 7 over 2,100 files).
    Source: coreos/butane `base/util/url.go`.
    """
    plain = 1 + 3 * len(contents) - 2 * (len(contents) - len(contents.translate(None, _UNRESERVED)))
    encoded = _length(len(contents))
    shortest = min(plain, encoded)
    if gzip and not compression and _length(_SMALLEST_GZIP) < shortest:
        packed = _gzip(contents)
        if _length(len(packed) + _LONGER) + 4 < shortest:
            return DataUrl("data:;base64," + b64encode(packed).decode("ascii"), "gzip")
    kept = None if compression else ""
    if encoded < plain:
        return DataUrl("data:;base64," + b64encode(contents).decode("ascii"), kept)
    return DataUrl(escaped(contents).source, kept)


_SMALLEST_GZIP = 20
_LONGER = 2


def _length(size: int) -> int:
    """The length of so many bytes as base64 in a data URL, counted behind `data:`."""
    return len(";base64,") + (size + 2) // 3 * 4


def _gzip(contents: bytes) -> bytes:
    """A gzip stream without a time, as it was made on no system in particular."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(contents) + packer.flush()
    trailer = zlib.crc32(contents).to_bytes(4, "little") + (len(contents) & 0xFFFFFFFF).to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + packed + trailer


class LocalUnreadable(Exception):
    """A local file cannot be read; the message is for the author, `hint` says what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Files(NamedTuple):
    """The files directory (-d), if there is one. Nothing outside it is read, by path; symlinks are followed."""

    directory: str

    def locate(self, local: str) -> str:
        """The path of a local file. Raises LocalUnreadable."""
        if not self.directory:
            raise LocalUnreadable(NO_FILES_DIR, hint="add -d with the directory of the local files, such as `-d .`")
        path = joined(self.directory, local)
        base = posixpath.abspath(self.directory)
        if posixpath.abspath(path) != base and not posixpath.abspath(path).startswith(base.rstrip("/") + "/"):
            raise LocalUnreadable(ESCAPES)
        return path

    def read(self, local: str) -> bytes:
        """The contents of a local file. Raises LocalUnreadable."""
        return read_file(self.locate(local))


def joined(directory: str, name: str) -> str:
    """A path below a directory in its simplest form, even if the name begins with a slash."""
    simple = posixpath.normpath(f"{directory}/{name}")
    return "/" + simple.lstrip("/") if simple.startswith("//") else simple


def read_file(path: str) -> bytes:
    """The contents of a regular file. Raises LocalUnreadable."""
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):
            raise LocalUnreadable(f"read {path}: is a named pipe")
        with open(path, "rb") as file:
            contents = file.read(MAX_LOCAL + 1)
    except (OSError, ValueError) as error:
        hint = (
            "local files are looked for below the files directory (-d)" if isinstance(error, FileNotFoundError) else ""
        )
        raise LocalUnreadable(explain(path, error), hint=hint) from None
    if len(contents) > MAX_LOCAL:
        raise LocalUnreadable(f"read {path}: is larger than {MAX_LOCAL >> 20} MiB, which is the most that is read")
    return contents


def explain(path: str, error: OSError | ValueError) -> str:
    """What went wrong with a path, in the words of the reference."""
    if isinstance(error, IsADirectoryError):
        return f"read {path}: is a directory"
    reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "invalid argument"
    return f"open {path}: {reason}"
