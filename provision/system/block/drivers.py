"""Drivers of file systems, which the kernel would load at the first mount."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from provision.failures import Failure
from provision.system.programs import processes


def missing(formats: Iterable[str]) -> list[str]:
    """The kinds of file systems that this kernel does not know yet (/proc/filesystems, proc(5)), in order."""
    with open("/proc/filesystems", encoding="ascii") as file:
        known = set(file.read().split())
    return sorted(set(formats) - known)


@contextmanager
def loading(formats: Iterable[str]) -> Iterator[None]:
    """Load the drivers that are missing while the block runs; at its end, wait for them.

    Nothing that goes wrong is reported: a driver may have another name, and mount(2) loads what is needed, too.
    """
    names = missing(formats)
    if not names or not processes.find("modprobe"):
        yield
        return
    from threading import Thread

    thread = Thread(target=_load, args=(names,), name="drivers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _load(names: list[str]) -> None:
    with suppress(OSError, Failure):
        processes.run(["modprobe", "--all", "--quiet", "--", *names])
