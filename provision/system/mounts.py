"""Mount points (/proc/PID/mountinfo, proc_pid_mountinfo(5)), and mounting by mount(8)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from provision.failures import Failure
from provision.system import libc
from provision.system.programs import processes

UNTRUSTED = ("nodev", "nosuid", "noexec")
"""Options for a file system that somebody else may have filled: no device opens, and nothing in it runs (mount(8))."""


class MountFailed(Failure):
    """mount(8) failed; the message is its output."""


class Entry(NamedTuple):
    """A line of mountinfo. `number` is the device's `major:minor`, `source` the name under which it was mounted."""

    path: str
    number: str
    source: str
    format: str
    options: tuple[str, ...]


def entries() -> list[Entry]:
    """Everything mounted in the namespace of this thread, oldest first."""
    with open("/proc/thread-self/mountinfo", "rb") as file:
        return [entry(os.fsdecode(line)) for line in file]


def at(path: str) -> Entry | None:
    """What is mounted at exactly this path (the last one, if several are); None if nothing is."""
    return next((entry for entry in reversed(entries()) if entry.path == path), None)


def mount(node: str, path: str, kind: str, options: Sequence[str]) -> None:
    """Mount a device by mount(8), which knows helpers (mount.TYPE) and names of options. Raises MountFailed."""
    argv = ["mount", "-t", kind, *(["-o", ",".join(options)] if options else []), "--", node, path]
    done = processes.run(argv)
    if done.status != 0:
        raise MountFailed(done.last_lines)


def unmount(path: str) -> None:
    """Unmount what is mounted last at a path. Raises OSError."""
    libc.unmount(path)


def unshare_mounts_if_allowed() -> None:
    """Give this process mounts of its own, which end with it even when it is killed. Call it before starting threads.

    Nothing happens where that is not allowed.
    """
    with suppress(OSError):
        libc.unshare_mounts()


def unmount_lazily(path: str) -> None:
    """Unmount now, or as soon as it is no longer used (MNT_DETACH). Errors are ignored."""
    try:
        libc.unmount(path)
    except OSError:
        with suppress(OSError):
            libc.unmount(path, libc.MNT_DETACH)


def entry(line: str) -> Entry:
    """One line of mountinfo."""
    before, _, behind = line.rstrip("\n").partition(" - ")
    first = before.split(" ")
    kind, source, above = behind.split(" ", 2)
    options = dict.fromkeys((*first[5].split(","), *above.split(",")))
    return Entry(_plain(first[4]), first[2], _plain(source), kind, tuple(options))


def _plain(text: str) -> str:
    """Undo the escapes of mountinfo: blanks and backslashes are three octal digits."""
    first, *rest = os.fsencode(text).split(b"\\")
    return os.fsdecode(first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest))
