"""Write output files, which may contain secrets."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping

from provision.config.reports.findings import escaped
from provision.config.reports.streams import reason_of

_DESCRIPTOR_PATHS = ("/dev/fd/", "/dev/std", "/proc/")

TEMPORARY_PREFIX = ".transpile-"
"""How the name of a new text begins until it has the place of the old one. A killed run leaves such a file behind."""

_NOT_REPLACEABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY}
"""Errors of a folder that takes no new file, of an owner that cannot be kept, and of a file that is a mount point."""

_WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE}


class OutputFailed(Exception):
    """An output file cannot be written. The message has its name and the reason, in Butane's form."""


def write_output(path: str, text: str, sources: Iterable[str]) -> None:
    """Write a file, and replace an old one atomically. A new file has mode 0600; an existing file keeps owner and mode.

    `sources` are the paths of what the text was made from: none of them is replaced (see `refuse_source`).

    A file that is not regular (a terminal, a pipe), that is named by its descriptor, or that cannot be replaced (a
    mount point, a folder without the right to write) is written directly. A file without the right to write is
    refused. Raises OutputFailed.
    """
    refuse_source(path, sources)
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: str, contents: bytes) -> None:
    """Write a file as `write_output` does. Raises OutputFailed."""
    try:
        _write(path, contents)
    except OSError as error:
        verb = "write" if error.errno in _WRITE_ERRORS else "open"
        shown = escaped(path)
        raise OutputFailed(f"failed to {verb} {shown}: {verb} {shown}: {reason_of(error)}") from None


def write_all(files: Mapping[str, bytes], sources: Iterable[str]) -> None:
    """Write several files as `write_output` does, or none: all are written beside their places before one is replaced.

    Files that are not regular cannot be written beside their places: they are written before any is replaced. Raises
    OutputFailed.
    """
    sources = list(sources)
    for path in files:
        refuse_source(path, sources)
    staged: list[tuple[str, str, str]] = []
    direct: list[str] = []
    path = ""
    try:
        for path, contents in files.items():
            found = os.stat(path) if os.path.exists(path) else None
            if found is not None and (path.startswith(_DESCRIPTOR_PATHS) or not stat.S_ISREG(found.st_mode)):
                if stat.S_ISDIR(found.st_mode):
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                direct.append(path)
                continue
            if found is not None and not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            target = os.path.realpath(path)
            staged.append((path, target, _stage(target, contents, found)))
        for path in direct:
            _overwrite(path, files[path])
        while staged:
            path, target, temporary = staged[0]
            os.replace(temporary, target)
            del staged[0]
    except OSError as error:
        shown = escaped(path)
        raise OutputFailed(f"failed to write {shown}: {reason_of(error)}") from None
    finally:
        for _, _, temporary in staged:
            os.unlink(temporary)


def refuse_source(path: str, sources: Iterable[str]) -> None:
    """Raise OutputFailed if a path leads to one of the sources, or into a source that is a directory.

    Links count too, hard ones and symbolic ones. The source `""` is standard input.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(found.st_mode):
        return
    for source, status in _statuses(sources):
        if os.path.samestat(found, status):
            shown = f" {escaped(source)}" if source and source != path else ""
            raise OutputFailed(
                f"{escaped(path)}: error: not written: it is the source{shown} of what would be written "
                "(hint: write to another file)"
            )


def _statuses(sources: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
    """The sources that exist, and the files below those that are directories, each with its status."""
    for source in sources:
        below = (os.path.join(folder, name) for folder, _, names in os.walk(source) for name in names)
        for one in (source, *below):
            try:
                yield one, os.stat(one) if one else os.fstat(0)
            except (OSError, ValueError):
                continue


def replace_text(path: str, before: bytes, after: bytes) -> None:
    """Write a text in place of the one that was read. Raises OutputFailed, also if the file has another text now."""
    try:
        with open(path, "rb") as file:
            same = file.read(len(before) + 1) == before
    except OSError:
        same = False
    if not same:
        raise OutputFailed(f"{escaped(path)}: error: not written: the file changed meanwhile; run the command again")
    write_bytes(path, after)


def _write(path: str, contents: bytes) -> None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        found = None
    if found is None:
        _replace(path, contents, None)
    elif path.startswith(_DESCRIPTOR_PATHS) or not stat.S_ISREG(found.st_mode):
        _overwrite(path, contents)
    elif not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    else:
        try:
            _replace(path, contents, found)
        except OSError as error:
            if error.errno not in _NOT_REPLACEABLE:
                raise
            _overwrite(path, contents)


def _overwrite(path: str, contents: bytes) -> None:
    with open(path, "wb") as file:
        file.write(contents)


def _replace(path: str, contents: bytes, found: os.stat_result | None) -> None:
    """Write a new file, and give it the name, the owner and the mode of the old one."""
    target = os.path.realpath(path)
    temporary = _stage(target, contents, found)
    try:
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _stage(target: str, contents: bytes, found: os.stat_result | None) -> str:
    """Write a new file beside a target, with the owner and the mode of the old one; returns its path."""
    descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=os.path.dirname(target))
    try:
        with os.fdopen(descriptor, "wb") as file:
            if found is not None:
                _keep_owner_and_mode(file.fileno(), found)
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def _keep_owner_and_mode(descriptor: int, old: os.stat_result) -> None:
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
