"""Names of devices that a run builds on images: the kernel has them once, for all runs and for this machine itself."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from provision.failures import Failure
from provision.system.block import sysfs
from provision.system.root.blob_store import make_private_directory

_FOLDER = "/run/provision/names"
"""A lock for each name lies here; the locks end with their run, the empty files stay until the next boot."""


@contextmanager
def reserved_names(
    mappings: Iterable[str], on_wait: Callable[[str], None], *, arrays: bool, folder: str = _FOLDER
) -> Iterator[None]:
    """Keep other runs from building the same device-mapper names, or, with `arrays`, any RAID array, at the same time.

    Waits for a run that does; `on_wait` is called with the name before. Raises Failure for a name that this machine
    uses itself.
    """
    names = sorted(set(mappings))
    with ExitStack() as stack:
        for name in [*(["md"] if arrays else []), *(f"dm-{name}" for name in names)]:
            stack.enter_context(_locked(name, folder, on_wait))
        used = {block.mapper for block in sysfs.every() if block.mapper} & set(names)
        if used:
            hint = "close it (cryptsetup close), or give the volume in the config another name"
            raise Failure(f"this machine has a volume {' and '.join(sorted(used))} open", hint=hint)
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
