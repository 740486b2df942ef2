"""The root of an installed system as a target: what `clean` and `reset` change is on the disk afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from provision.failures import Failure
from provision.planning.boot_state import BootState
from provision.system.block.image_devices import ImageDevices
from provision.system.machine import Machine


@contextmanager
def system_root(path: str) -> Iterator[Machine]:
    """The machine whose root this is; without devices. Raises Failure if it is not the root of a system."""
    root = os.path.abspath(path)
    if not os.path.isdir(f"{root}/etc"):
        raise Failure(f"{root}: is not the root of a system", hint="name a directory that has an etc")
    machine = Machine(root, ImageDevices({}), BootState())
    try:
        yield machine
    finally:
        machine.release()
    os.sync()
