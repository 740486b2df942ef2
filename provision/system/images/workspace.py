"""The private folders of a run: in memory, and removed when the run ends, even when it is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from provision.system import libc
from provision.system.programs.sandbox import enter_sandbox

_IN_SANDBOX = "/dev/provision"
"""In the sandbox /dev belongs to the run."""

_FLAGS = libc.MS_NOSUID | libc.MS_NOEXEC


class Workspace(NamedTuple):
    """Empty folders: the mount point of the root, raw views of images, mounts for reading, and keys (`private`).

    If they are `own` (on a tmpfs in a mount namespace of the run), file systems may be mounted below them.
    """

    root: str
    views: str
    mounts: str
    private: str
    own: bool


@contextmanager
def workspace(*, changing: bool, needs_mounts: bool) -> Iterator[Workspace]:
    """The folders of a run. With `changing` the process enters the sandbox, which needs root.

    A run that only reads images, without root, gets mounts of its own in a user namespace, if it `needs_mounts`. Raises
    Failure if the sandbox is not allowed.
    """
    if changing:
        enter_sandbox()
        os.mkdir(_IN_SANDBOX, 0o700)
        _mount_memory(_IN_SANDBOX)
        yield _folders(_IN_SANDBOX, own=True)
        return
    with _private_folder() as folder:
        own = (needs_mounts or os.geteuid() == 0) and _own_mounts(folder)
        yield _folders(folder, own=own)


def _folders(folder: str, *, own: bool) -> Workspace:
    root, views, mounts, private = (os.path.join(folder, name) for name in ("root", "views", "mounts", "private"))
    found = Workspace(root, views, mounts, private, own)
    for path in (found.root, found.views, found.mounts, found.private):
        os.mkdir(path, 0o700)
    if own:
        _mount_memory(views)
        libc.mount("none", views, None, libc.MS_SHARED)  # mounts of child programs are seen here
    return found


def _own_mounts(folder: str) -> bool:
    """Give this process a mount namespace with a tmpfs at `folder`; False if that is not allowed."""
    try:
        if os.geteuid() != 0:
            libc.become_root_of_a_user_namespace()
        libc.unshare_mounts()
        _mount_memory(folder)
    except OSError:
        return False
    return True


def _mount_memory(folder: str) -> None:
    """Mount a private tmpfs, whose contents are never swapped (`noswap`, Linux 6.4; older kernels may swap)."""
    try:
        libc.mount("tmpfs", folder, "tmpfs", _FLAGS, "mode=700,noswap")
    except OSError:
        libc.mount("tmpfs", folder, "tmpfs", _FLAGS, "mode=700")


@contextmanager
def _private_folder() -> Iterator[str]:
    """A new folder (0700) for the block, removed at its end; contents of mounts in it are not removed."""
    from shutil import rmtree
    from tempfile import mkdtemp

    folder = mkdtemp(prefix="provision-")
    try:
        yield folder
    finally:
        with suppress(OSError):
            libc.unmount(folder, libc.MNT_DETACH)
        rmtree(folder, ignore_errors=True)
