"""Mount a file system during a block: the old root file system, the one in memory, or the new one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from provision.boot.run_files import RUN_DIR
from provision.failures import Failure
from provision.system import mounts

PLACE = f"{RUN_DIR}/root"
"""Where file systems are mounted; no mount is left when the block ends."""


@contextmanager
def mounted(device: str, kind: str, options: str) -> Iterator[str]:
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


def read_only(options: str) -> str:
    """Options for mounting a file system that is not changed: `ro`, and the options of the root."""
    return f"ro,{options}" if options else "ro"
