"""Keeps the content of the root file system in memory while the disks stage makes that file system anew.

The content is copied before the first change of a disk, and refused if it does not fit. In the new file system it is
first copied into UNFINISHED; when all of it is there, what is in this directory is moved up, /usr at last. So a machine
that stops before the end has a root file system without an operating system, which no boot starts
(docs/decisions/0017-roots.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

from provision.boot.records.completion_record import MOVED_ROOT, RECORD
from provision.boot.root.copy_progress import CopyProgress
from provision.boot.root.fstab import FSTAB
from provision.boot.root.memory import Memory, directory_in_memory, needed_memory, usable_memory
from provision.boot.root.mounted import mounted, read_only
from provision.boot.root.replacement import Replacement
from provision.failures import Bug, Failure, as_failure
from provision.log import Log
from provision.planning.descriptions import size_text
from provision.planning.engine_files import UNFINISHED_ROOT
from provision.planning.machine_view import Signature
from provision.system.block import signatures
from provision.system.private_files import read_private, write_private
from provision.system.root.tree_copy import Copied, ReportBytes, copy_properties, copy_tree, sync_file_system
from provision.system.running_system.local_system import read_below

UNFINISHED = f"/{UNFINISHED_ROOT}"
"""The directory of a new root file system in which the content is until all of it is there."""

WRITE_AGAIN = "write the image to the disk again"
"""A hint with these words says that no boot of this disk can go on."""

LOST = f"the content of the root file system was in memory only and is lost: {WRITE_AGAIN}"

OMITTED = frozenset({"/lost+found", RECORD})
"""The record would say that a machine with half of its content is provisioned; this boot writes a new one."""


class Settings(NamedTuple):
    """How the content is kept: the options for mounting the root, the digest of the config, whether it encrypts.

    `meminfo` is the file that tells how much memory there is (proc(5)).
    """

    options: str
    digest: str
    encrypts: bool = False
    meminfo: str = "/proc/meminfo"


@contextmanager
def kept_root(old: Replacement, settings: Settings, log: Log, restored: Callable[[], None]) -> Iterator[None]:
    """Keep the content while the block replaces the root file system, put it into the new one, and call `restored`.

    If the block fails after it has made the new file system, the content is put there all the same, so that a later
    boot can go on. Raises Failure, or what the block raises.
    """
    with ExitStack() as stack:
        with mounted(old.old.name, old.found.type, read_only(settings.options)) as place:
            memory = _memory(old, place, settings)
            kept = stack.enter_context(directory_in_memory(memory, old.made.type if old.made else "", log))
            copied = kept.keep(place, OMITTED, CopyProgress("keeping the root file system in memory", log))
        failure: Exception | KeyboardInterrupt | None = None
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:
            if _probed(old.old.name) == old.found:
                raise
            if not _is_made(old):
                raise _lost(error) from error
            failure = error
        try:
            # the name may lead to the new file system under the name that the kernel gave it
            with mounted(os.path.realpath(old.name), old.made.type if old.made else "", "") as place:
                log("progress", f"restoring the content of the root file system: {copied.nodes} files and directories")
                progress = CopyProgress("restoring the root file system", log)
                _restore(kept.path, place, copied, settings.digest, progress)
        except (Exception, KeyboardInterrupt) as error:
            raise _lost(failure or error) from error
        restored()
        if failure is not None:
            raise failure


class OldRoot(NamedTuple):
    """What is in the old root file system: whether it holds an operating system (os-release(5)), and its /etc/fstab."""

    is_system: bool
    fstab: str


def look(old: Replacement, options: str) -> OldRoot:
    """Look into the old root file system. Raises Failure if it cannot be mounted."""
    with mounted(old.old.name, old.found.type, read_only(options)) as place:
        fstab = read_below(place, FSTAB, "") or b""
        return OldRoot(os.path.lexists(f"{place}/usr/lib/os-release"), fstab.decode(errors="replace"))


def check_content(root: str) -> None:
    """Raise Failure if the root file system has only a part of its content, or nothing at all."""
    names = {*os.listdir(root)} - {"lost+found"}
    if UNFINISHED.lstrip("/") in names:
        raise Failure("the root file system is not complete: an earlier boot stopped while it was filled", hint=LOST)
    if not names:
        hint = f"if an earlier boot stopped while the config made it anew, {WRITE_AGAIN}"
        raise Failure("the root file system is empty: there is no system to start", hint=hint)


def _memory(old: Replacement, place: str, settings: Settings) -> Memory:
    """What the content of the file system at `place` needs. Raises Failure if the new root file system is too small."""
    used = needed_memory(place)
    if old.new is not None and used > old.new.size * 9 // 10:
        raise Failure(
            f"{old.new.name} ({size_text(old.new.size)}) is too small for the root file system ({size_text(used)})"
        )
    with open(settings.meminfo, encoding="ascii") as file:
        return Memory(old.old.name, used, usable_memory(file.read(), encrypts=settings.encrypts))


def _restore(kept: str, new: str, copied: Copied, digest: str, progress: ReportBytes) -> None:
    unfinished = new + UNFINISHED
    os.mkdir(unfinished, 0o700)
    sync_file_system(new)
    copy_tree(kept, unfinished, OMITTED, copied.kept, progress)
    sync_file_system(new)
    for name in sorted(os.listdir(unfinished), key=lambda name: name == "usr"):
        os.rename(f"{unfinished}/{name}", f"{new}/{name}")
        sync_file_system(new)
    write_private(new + MOVED_ROOT, digest.encode())
    copy_properties(kept, new)
    os.rmdir(unfinished)
    sync_file_system(new)


def restored_digest(device: str, kind: str, options: str) -> str:
    """The digest of the config whose boot has put the content into this root file system; empty if none has.

    Raises Failure if a boot has stopped while it did that.
    """
    with mounted(device, kind, read_only(options)) as place:
        if os.path.lexists(place + UNFINISHED):
            check_content(place)
        return (read_private(place + MOVED_ROOT) or b"").decode(errors="replace")


def _probed(device: str) -> Signature | None:
    with suppress(OSError, Failure):
        return signatures.probe(device)
    return None


def _is_made(old: Replacement) -> bool:
    """Whether the new root file system is there, and complete."""
    found = _probed(os.path.realpath(old.name))
    made = old.made
    if found is None or made is None or found.unfinished or found == old.found:
        return False
    return found.type == made.type and made.uuid in {None, found.uuid}


def _lost(error: Exception | KeyboardInterrupt) -> BaseException:
    """The failure of a step after the first change of a disk: what is in memory will be gone."""
    failure = as_failure(error)
    return error if isinstance(failure, Bug) else Failure(failure.message, hint=f"{failure.hint}\n{LOST}".lstrip("\n"))
