"""Write output files, which may contain secrets, and new texts of sources, which must not be lost."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

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
    with _reported(path):
        _write(path, contents)


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

    Links count too, hard ones and symbolic ones. The source `""` is standard input. A new file in a source that is a
    directory is refused, because the next output would be made from it, too.
    """
    sources = list(sources)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        _refuse_below(path, sources)
        return
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(found.st_mode):
        return
    for source, status in _statuses(sources):
        if os.path.samestat(found, status):
            shown = f" ({escaped(source)})" if source and source != path else ""
            raise OutputFailed(
                f"{escaped(path)}: error: not written: the output is made from this file{shown} "
                "(hint: write to another file)"
            )


def _refuse_below(path: str, sources: Iterable[str]) -> None:
    """Raise OutputFailed if a path is below a source that is a directory."""
    real = os.path.realpath(path)
    for source in sources:
        if source and os.path.isdir(source) and real.startswith(os.path.join(os.path.realpath(source), "")):
            raise OutputFailed(
                f"{escaped(path)}: error: not written: the output is made from all files in this directory "
                f"({escaped(source)}) (hint: write to another directory)"
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
    """Write a text in place of the one that was read; owner, mode, extended attributes and links stay.

    A file with several names (hard links) stays one file: it is overwritten, as is one that cannot be replaced by
    another file. Until the new text is on the disk, a copy of the old one lies beside it. Raises OutputFailed, also if
    the file has a third text now.
    """
    try:
        with open(path, "rb") as file:
            now = file.read(max(len(before), len(after)) + 1)
    except OSError:
        now = None
    if now == after:  # the same file was written under another name
        return
    if now != before:
        raise OutputFailed(f"{escaped(path)}: error: not written: the file changed meanwhile; run the command again")
    with _reported(path):
        found = os.stat(path)
        if found.st_nlink == 1 or not stat.S_ISREG(found.st_mode) or path.startswith(_DESCRIPTOR_PATHS):
            _write(path, after, before)
        elif not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            _overwrite_safely(path, before, after)


@contextmanager
def _reported(path: str) -> Iterator[None]:
    """Raise OutputFailed in place of an OSError."""
    try:
        yield
    except OSError as error:
        verb = "write" if error.errno in _WRITE_ERRORS else "open"
        shown = escaped(path)
        raise OutputFailed(f"failed to {verb} {shown}: {verb} {shown}: {reason_of(error)}") from None


def _write(path: str, contents: bytes, before: bytes | None = None) -> None:
    """Write a file. If `before` is given, it is the old text, which must not be lost."""
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
            if before is None:
                _overwrite(path, contents)
            else:
                _overwrite_safely(path, before, contents)


def _overwrite_safely(path: str, before: bytes, after: bytes) -> None:
    """Overwrite a file that must stay the same one, while a copy of the old text lies beside it."""
    target = os.path.realpath(path)
    try:
        copy = _stage(target, before, None)
        _sync_folder(os.path.dirname(target))
    except OSError as error:
        raise OutputFailed(
            f"{escaped(path)}: error: not written: a copy of the old text, in case of a power cut, cannot be made in "
            f"its folder: {reason_of(error)}"
        ) from None
    try:
        _write_over(target, after)
    except BaseException:
        try:
            _write_over(target, before)
        except OSError:
            raise OutputFailed(f"{escaped(path)}: error: not written; its old text is {escaped(copy)}") from None
        os.unlink(copy)
        raise
    os.unlink(copy)


def _write_over(path: str, contents: bytes) -> None:
    """Write over the old contents, and then cut off the rest of them. The file is on the disk then."""
    with open(path, "r+b") as file:
        file.write(contents)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _overwrite(path: str, contents: bytes) -> None:
    with open(path, "wb") as file:
        file.write(contents)


def _replace(path: str, contents: bytes, found: os.stat_result | None) -> None:
    """Write a new file, and give it the name, the owner, the mode and the extended attributes of the old one."""
    target = os.path.realpath(path)
    temporary = _stage(target, contents, found)
    try:
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _stage(target: str, contents: bytes, found: os.stat_result | None) -> str:
    """Write a new file beside a target, with owner, mode and attributes of the old one, if any; returns its path."""
    import tempfile

    descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=os.path.dirname(target))
    try:
        with os.fdopen(descriptor, "wb") as file:
            if found is not None:
                _keep_owner_and_mode(file.fileno(), found)
                _keep_attributes(file.fileno(), target)
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


def _keep_attributes(descriptor: int, old: str) -> None:
    """Copy extended attributes, and so access control lists; leave none that only the folder gave to the new file.

    A security label that may not be set stays as the policy of the system wants it.
    """
    if not hasattr(os, "listxattr"):  # not on macOS and Windows
        return
    wanted = {name: os.getxattr(old, name) for name in _attributes(old)}
    for name in _attributes(descriptor):
        if name not in wanted and not name.startswith("security."):
            os.removexattr(descriptor, name)
    for name, value in wanted.items():
        try:
            os.setxattr(descriptor, name, value)
        except OSError:
            if not name.startswith("security."):
                raise


def _attributes(file: int | str) -> list[str]:
    """The names of extended attributes; none on a file system without them."""
    try:
        return os.listxattr(file)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        return []
