"""Ask mkfs whether it can make a file system on a device of some size: it runs on an empty file in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence

from provision.system.programs import processes
from provision.system.programs.program_watch import TRIAL, ProgramHangs, WatchSettings

BANNERS = ("btrfs-progs v", "See http", "mke2fs 1", "mkfs.fat 4", "mkfs.fat 5")
"""Beginnings of lines in which a program only prints its name and version."""


def refusal(argv: Sequence[str], size: int, watch: WatchSettings = TRIAL) -> str:
    """Why the program refuses an empty device of `size` bytes, in one line.

    Empty if it accepts the device, is not installed, hangs or is killed.

    `argv` is the command line without the device. The file needs memory only for what the program writes.
    """
    fd = os.memfd_create("trial", os.MFD_CLOEXEC)
    try:
        os.fchmod(fd, 0o600)  # mkswap warns of other modes
        os.ftruncate(fd, size)
        path = f"/proc/self/fd/{fd}"
        done = processes.run([*argv, path], keep=[fd], watch=watch)
    except (FileNotFoundError, ProgramHangs):
        return ""
    finally:
        os.close(fd)
    if done.status <= 0:  # it was killed, which is no answer
        return ""
    lines = [line.strip() for line in done.lines if not line.startswith(BANNERS)]
    return lines[0].replace(path, "the device") if lines else f"{argv[0]} ends with status {done.status}"
