"""Mount by mount(8), and unmount."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from provision.failures import Failure
from provision.system import libc
from provision.system.programs import processes

UNTRUSTED = ("nodev", "nosuid", "noexec")
"""Options for a file system with unknown contents: no device can be opened, no program executed (mount(8))."""


class MountFailed(Failure):
    """mount(8) failed; the message is its output."""


def mount(node: str, path: str, kind: str, options: Sequence[str]) -> None:
    """Mount a device by mount(8), which knows helpers (mount.TYPE) and names of options. Raises MountFailed."""
    argv = ["mount", "-t", kind, *(["-o", ",".join(options)] if options else []), "--", node, path]
    done = processes.run(argv)
    if done.status != 0:
        raise MountFailed(done.last_lines)


def unmount(path: str) -> None:
    """Unmount the last mount at a path. Raises OSError."""
    libc.unmount(path)


def unshare_mounts_if_allowed() -> None:
    """Give this process a mount namespace of its own; its mounts end with it, even when it is killed.

    Call it before starting threads. Does nothing if the kernel does not allow it.
    """
    with suppress(OSError):
        libc.unshare_mounts()


def unmount_lazily(path: str) -> None:
    """Unmount a path, now or when it is no longer in use (MNT_DETACH, umount2(2)). Errors are ignored."""
    try:
        libc.unmount(path)
    except OSError:
        with suppress(OSError):
            libc.unmount(path, libc.MNT_DETACH)
