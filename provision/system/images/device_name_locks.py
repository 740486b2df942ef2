"""Reserves names of devices that a run builds on images: in the kernel all runs and this machine share these names."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from provision.failures import Failure
from provision.system.block import sysfs
from provision.system.root.blob_store import make_private_directory

_FOLDER = "/run/provision/names"
"""Folder with a lock file for each name. A lock ends with its run; the empty file stays until the next boot."""


@contextmanager
def reserved_names(
    mappings: Iterable[str], on_wait: Callable[[str], None], *, arrays: bool, folder: str = _FOLDER
) -> Iterator[None]:
    """Keep other runs from building the same device-mapper names, or, with `arrays`, any RAID array, at the same time.

    If another run does, `on_wait` is called with the name, and this run waits. Raises Failure for a name that this
    machine uses itself.
    """
    names = sorted(set(mappings))
    with ExitStack() as stack:
        for name in [*(["md"] if arrays else []), *(f"dm-{name}" for name in names)]:
            stack.enter_context(_locked(name, folder, on_wait))
        used = {block.mapper for block in sysfs.every() if block.mapper} & set(names)
        if used:
            hint = "close it (cryptsetup close), or give the volume in the config another name"
            raise Failure(f"on this machine a volume with this name is open: {', '.join(sorted(used))}", hint=hint)
        yield


@contextmanager
def _locked(name: str, folder: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    make_private_directory(folder)
    path = f"{folder}/{os.fsencode(name).hex()}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait(name.removeprefix("dm-"))
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
