"""Keeps the content of the root file system in memory while the disks stage makes that file system anew.

The content is copied before the first change of a disk, and refused if it does not fit. In the new file system it is
first copied into UNFINISHED; when all of it is there, what is in this directory is moved up, /usr at last. So a machine
that stops before the end has a root file system without an operating system, which no boot starts
(docs/decisions/0017-roots.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from provision.boot.completion_record import MOVED_ROOT, RECORD
from provision.boot.root.fstab import FSTAB
from provision.boot.root.replacement import Replacement
from provision.boot.run_files import RUN_DIR
from provision.failures import Bug, Failure, as_failure
from provision.log import Log
from provision.planning.descriptions import size_text
from provision.planning.machine_view import Signature
from provision.system import mounts
from provision.system.block import signatures
from provision.system.private_files import read_private, write_private
from provision.system.root.tree_copy import Copied, copy_properties, copy_tree, sync_file_system
from provision.system.running_system.local_system import read_below

UNFINISHED = "/.provision-root"
"""The directory of a new root file system in which the content is until all of it is there."""

PLACE = f"{RUN_DIR}/root"
"""Where the old root file system, the memory and the new one are mounted; no mount is left when the block ends."""

WRITE_AGAIN = "write the image to the disk again"
"""A hint with these words says that no boot of this disk can go on."""

LOST = f"the content of the root file system was in memory only and is lost: {WRITE_AGAIN}"

OMITTED = frozenset({"/lost+found", RECORD})
"""The record would say that a machine with half of its content is provisioned; this boot writes a new one."""

_NODE = 1 << 10
"""Bytes of memory that a file takes in a tmpfs beside its content."""


class Memory(NamedTuple):
    """Bytes: what the content takes, and what may be used for it."""

    needed: int
    usable: int

    def check(self, device: str) -> None:
        """Raise Failure if the content does not fit."""
        if self.needed > self.usable:
            raise Failure(
                f"the config replaces the root file system {device}: its content would be kept in memory, and needs "
                f"{size_text(self.needed)} of {size_text(self.usable)} that can be used",
                hint="give the machine more memory, use a smaller image, or let the root file system where it is",
            )


class Settings(NamedTuple):
    """How the content is kept: the options for mounting the root, the digest of the config, whether it encrypts."""

    options: str
    digest: str
    encrypts: bool = False


@contextmanager
def kept_root(old: Replacement, settings: Settings, log: Log, restored: Callable[[], None]) -> Iterator[None]:
    """Keep the content while the block replaces the root file system, put it into the new one, and call `restored`.

    If the block fails after it has made the new file system, the content is put there all the same, so that a later
    boot can go on. Raises Failure, or what the block raises.
    """
    with _mounted("none", "tmpfs", "mode=0700") as kept:
        with _mounted(old.old.name, old.found.type, _read_only(settings.options)) as place:
            copied = _save(old, place, kept, log, encrypts=settings.encrypts)
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
            with _mounted(os.path.realpath(old.name), old.made.type if old.made else "", "") as place:
                log("notice", f"restoring the content of the root file system: {copied.nodes} files and directories")
                _restore(kept, place, copied, settings.digest)
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
    with _mounted(old.old.name, old.found.type, _read_only(options)) as place:
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


def _save(old: Replacement, place: str, kept: str, log: Log, *, encrypts: bool) -> Copied:
    found = os.statvfs(place)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize + (found.f_files - found.f_ffree) * _NODE
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = Memory(used, usable_memory(file.read(), encrypts=encrypts))
    memory.check(old.old.name)
    if old.new is not None and used > old.new.size * 9 // 10:
        raise Failure(
            f"{old.new.name} ({size_text(old.new.size)}) is too small for the root file system ({size_text(used)})"
        )
    log("notice", f"keeping the content of the root file system {old.old.name} in memory: {size_text(used)}")
    mounts.mount("none", kept, "tmpfs", ["remount", f"size={memory.usable}", "nr_inodes=0"])
    try:
        return copy_tree(place, kept, OMITTED)
    except OSError as error:
        raise Failure(f"the content of the root file system cannot be kept: {as_failure(error).message}") from error


def _restore(kept: str, new: str, copied: Copied, digest: str) -> None:
    unfinished = new + UNFINISHED
    os.mkdir(unfinished, 0o700)
    sync_file_system(new)
    copy_tree(kept, unfinished, kept=copied.kept)
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
    with _mounted(device, kind, _read_only(options)) as place:
        if os.path.lexists(place + UNFINISHED):
            check_content(place)
        return (read_private(place + MOVED_ROOT) or b"").decode(errors="replace")


def usable_memory(meminfo: str, *, encrypts: bool) -> int:
    """Bytes of memory that the content may take, by the text of /proc/meminfo (proc(5)).

    These are nine tenths of what the kernel calls available. If a volume will be encrypted, cryptsetup needs up to
    1 GiB, but at most half of the memory (cryptsetup-luksFormat(8), --pbkdf-memory).
    """
    found = {name: int(rest.split()[0]) << 10 for name, _, rest in (one.partition(":") for one in meminfo.splitlines())}
    reserved = min(1 << 30, found["MemTotal"] // 2) if encrypts else 0
    return max(found["MemAvailable"] * 9 // 10 - reserved, 0)


def _read_only(options: str) -> str:
    return f"ro,{options}" if options else "ro"


@contextmanager
def _mounted(device: str, kind: str, options: str) -> Iterator[str]:
    """A new directory below PLACE, on which a file system is mounted during the block. Raises Failure."""
    path = f"{PLACE}/{os.getpid()}-{os.urandom(4).hex()}"
    os.makedirs(path, mode=0o700)
    try:
        try:
            mounts.mount(device, path, kind, [options] if options else [])
        except mounts.MountFailed as error:
            is_old = options.startswith("ro")
            hint = "add provision.root=new to the kernel command line if its content is not wanted" if is_old else ""
            raise Failure(f"{device} cannot be mounted: {error.message}", hint=hint) from error
        try:
            yield path
        finally:
            mounts.unmount(path)
    finally:
        os.rmdir(path)


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
