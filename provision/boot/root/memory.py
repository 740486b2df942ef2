"""Where the content of the root file system is kept: a tmpfs if it fits, else a compressed device in memory (zram).

The file system on zram is of the kind that the config makes for the root: its mkfs and its driver are there, and what
it cannot hold is refused before a disk changes. zram fails writes when its memory is full, and the kernel reports them
as errors of a disk. So the memory that it takes is read after each STEP, and the copy ends before it is full.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from provision.boot.root.mounted import mounted
from provision.failures import Failure, as_failure
from provision.log import Log
from provision.planning.descriptions import size_text
from provision.system.programs import processes
from provision.system.root.tree_copy import Copied, ReportBytes, copy_tree, sync_file_system

if TYPE_CHECKING:
    from provision.system.block.zram import Zram

STEP = 16 << 20
"""Bytes of content after which the use of memory is read."""

_NODE = 1 << 10
"""Bytes of memory that a file takes in a tmpfs beside its content."""

_SPARE = 512 << 20
"""Bytes of the device beyond twice the content: mkfs.xfs needs 300 MiB."""

_PAGE, _ENTRY = 4096, 24
"""Bytes of a page, and of its entry in the table of a zram device (`struct zram_table_entry`, zram_drv.h of Linux)."""

_MKFS = {
    "btrfs": ["mkfs.btrfs", "--quiet", "--force", "--metadata", "single"],
    "ext4": ["mkfs.ext4", "-q", "-F", "-m", "0", "-i", "4096", "-O", "^has_journal"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
}
"""Command lines without the device, for file systems that no boot will see again."""


class Memory(NamedTuple):
    """Bytes: what the content of the root file system `device` takes, and what may be used for it."""

    device: str
    needed: int
    usable: int

    @property
    def size(self) -> int:
        """Bytes of a compressed device for the content."""
        return 2 * self.needed + _SPARE

    @property
    def table(self) -> int:
        """Bytes of memory that a compressed device takes when nothing is written to it."""
        return self.size // _PAGE * _ENTRY

    def refusal(self, more: str = "") -> Failure:
        """The failure for content that does not fit; `more` is said after the figures."""
        return Failure(
            f"the config replaces the root file system {self.device}: its content would be kept in memory, and needs "
            f"{size_text(self.needed)} of {size_text(self.usable)} that can be used{more}",
            hint="give the machine more memory, use a smaller image, or leave the root file system where it is",
        )


class MemoryDirectory:
    """A directory in memory for the content. On a tmpfs no check is needed: a write for which it has no room fails."""

    def __init__(self, path: str) -> None:
        self.path = path

    def keep(self, source: str, omitted: frozenset[str], progress: ReportBytes = lambda _: None) -> Copied:
        """Copy the directory `source`, without the paths `omitted`. Raises Failure if that does not fit.

        `progress` is called with the size of each part of a file.
        """

        def report(count: int) -> None:
            progress(count)
            self.check_after(count)

        try:
            copied = copy_tree(source, self.path, omitted, report=report)
        except OSError as error:
            self.check()  # its failure says more than that of the file system
            raise _unkept(as_failure(error).message) from error
        self.check()
        return copied

    def check_after(self, count: int) -> None:
        """Raise Failure if there is no room for more, now that `count` more bytes are copied."""

    def check(self) -> None:
        """Raise Failure if a part of what was copied is not kept."""


class _CompressedDirectory(MemoryDirectory):
    def __init__(self, path: str, memory: Memory, device: Zram) -> None:
        super().__init__(path)
        self._memory = memory
        self._limit = memory.usable - memory.table
        self._device = device
        self._copied = self._seen = 0

    def keep(self, source: str, omitted: frozenset[str], progress: ReportBytes = lambda _: None) -> Copied:
        """As that of a tmpfs. There is no limit afterwards: XFS writes inodes 30 s later, when the disk has changed."""
        copied = super().keep(source, omitted, progress)
        try:
            self._device.lift_limit()
        except OSError as error:
            raise _unkept(as_failure(error).message) from error
        return copied

    def check_after(self, count: int) -> None:
        self._copied += count
        if self._copied - self._seen >= STEP:
            self._seen = self._copied
            self._look(STEP)

    def check(self) -> None:
        self._look(0)

    def _look(self, next_step: int) -> None:
        """Raise Failure if something was not written, or if another `next_step` bytes would not fit."""
        problem = ""
        try:
            sync_file_system(self.path)
        except OSError as error:
            problem = as_failure(error).message
        memory, used = self._memory, self._device.memory
        if used + next_step > self._limit or self._device.failed_writes:
            wanted = max(used * memory.needed // max(self._copied, used, 1), self._limit) + memory.table
            raise memory.refusal(
                f"; compressed by {self._device.algorithm} it would need about {size_text(wanted)} "
                f"(estimated from the first {size_text(self._copied)})"
            )
        if problem:
            raise _unkept(problem)


def _unkept(problem: str) -> Failure:
    return Failure(f"the content of the root file system cannot be kept: {problem}")


@contextmanager
def directory_in_memory(memory: Memory, kind: str, log: Log) -> Iterator[MemoryDirectory]:
    """A directory for the content, which is there during the block. If it is compressed, its file system is of `kind`.

    Raises Failure if the content does not fit and the kernel has no zram.
    """
    what = f"keeping the content of the root file system {memory.device} in memory"
    if memory.needed <= memory.usable:
        log("progress", f"{what}: {size_text(memory.needed)}")
        with mounted("none", "tmpfs", f"mode=0700,size={memory.usable},nr_inodes=0") as path:
            yield MemoryDirectory(path)
        return
    with _zram(memory, log) as device:
        log("progress", f"{what}, compressed by {device.algorithm}: {size_text(memory.needed)}")
        done = processes.run([*_MKFS[kind], device.node])
        if done.status:
            raise _unkept(done.last_lines)
        with mounted(device.node, kind, "noatime") as path:
            yield _CompressedDirectory(path, memory, device)


@contextmanager
def _zram(memory: Memory, log: Log) -> Iterator[Zram]:
    from provision.system.block.zram import add_zram

    if memory.usable <= memory.table:
        raise memory.refusal("; compressed, it would not fit either")
    try:
        device = add_zram(memory.size, memory.usable - memory.table)
    except OSError as error:
        raise memory.refusal(f"; it cannot be compressed: {as_failure(error).message}") from error
    if device is None:
        raise memory.refusal("; there is no kernel module zram to compress it")
    try:
        yield device
    finally:
        try:
            device.remove()
        except OSError as error:
            log("warning", f"disks: {device.node} keeps its memory: {as_failure(error).message}")


def needed_memory(directory: str) -> int:
    """Bytes of memory that the content of the file system that is mounted at `directory` takes in a tmpfs."""
    found = os.statvfs(directory)
    return (found.f_blocks - found.f_bfree) * found.f_frsize + (found.f_files - found.f_ffree) * _NODE


def usable_memory(meminfo: str, *, encrypts: bool) -> int:
    """Bytes of memory that the content may take, by the text of /proc/meminfo (proc(5)).

    These are nine tenths of what the kernel calls available. If a volume will be encrypted, cryptsetup needs up to
    1 GiB, but at most half of the memory (cryptsetup-luksFormat(8), --pbkdf-memory).
    """
    found = {name: int(rest.split()[0]) << 10 for name, _, rest in (one.partition(":") for one in meminfo.splitlines())}
    reserved = min(1 << 30, found["MemTotal"] // 2) if encrypts else 0
    return max(found["MemAvailable"] * 9 // 10 - reserved, 0)
