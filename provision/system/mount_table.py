"""The mount table of this thread (/proc/PID/mountinfo, proc_pid_mountinfo(5))."""

from __future__ import annotations

import os
from typing import NamedTuple


class MountEntry(NamedTuple):
    """A line of mountinfo. `number` is the device's `major:minor`, `source` the name under which it was mounted."""

    path: str
    number: str
    source: str
    format: str
    options: tuple[str, ...]


def entries() -> list[MountEntry]:
    """Everything mounted in the namespace of this thread, oldest first."""
    with open("/proc/thread-self/mountinfo", "rb") as file:
        return [entry(os.fsdecode(line)) for line in file]


def at(path: str) -> MountEntry | None:
    """The last mount at exactly this path; None if nothing is mounted there."""
    wanted = _escaped(path)
    found = None
    with open("/proc/thread-self/mountinfo", "rb") as file:
        for line in file:
            if line.split(b" ", 5)[4] == wanted:
                found = line
    return entry(os.fsdecode(found)) if found is not None else None


def entry(line: str) -> MountEntry:
    """One line of mountinfo."""
    before, _, behind = line.rstrip("\n").partition(" - ")
    first = before.split(" ")
    kind, source, above = behind.split(" ", 2)
    options = dict.fromkeys((*first[5].split(","), *above.split(",")))
    return MountEntry(_plain(first[4]), first[2], _plain(source), kind, tuple(options))


def _plain(text: str) -> str:
    """Undo the escapes of mountinfo: a blank or backslash is written as a backslash and three octal digits."""
    first, *rest = os.fsencode(text).split(b"\\")
    return os.fsdecode(first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest))


def _escaped(path: str) -> bytes:
    """A path as mountinfo writes it: mangle_path() of the kernel escapes blank, tab, line feed and backslash."""
    return b"".join(b"\\%03o" % one if one in b" \t\n\\" else bytes([one]) for one in os.fsencode(path))
