"""The consoles of the machine, all of them: where people look when a boot waits or stops."""

from __future__ import annotations

import os
from contextlib import suppress

from provision.log import IDENTIFIER, FieldLog

_ACTIVE = "/sys/class/tty/console/active"

_INITRAMFS = "/etc/initrd-release"


def are_ours(root: str = "") -> bool:
    """Whether this is an initramfs: a system that is up has a journal that people can read."""
    return os.path.exists(root + _INITRAMFS)


def show(text: str, root: str = "") -> None:
    """Write lines to every console that the kernel writes to (each `console=`). One that does not take them is left."""
    lines = ("".join(one if one.isprintable() else "?" for one in line) for line in text.split("\n"))
    data = "".join(f"{line}\n" for line in lines).encode(errors="replace")
    for name in _names(root):
        with suppress(OSError):
            fd = os.open(f"{root}/dev/{name}", os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                os.write(fd, data)
            finally:
                os.close(fd)


def _names(root: str) -> list[str]:
    """`tty0 ttyS0`; the last is /dev/console (Linux, Documentation/ABI/testing/sysfs-tty)."""
    with suppress(OSError), open(root + _ACTIVE, encoding="ascii") as file:
        return file.read().split()
    return []


def on_consoles(log: FieldLog, root: str = "") -> FieldLog:
    """A log whose notices and warnings are shown on all consoles too, where this is an initramfs.

    What stops the boot is not: `provision.boot.failure_report` shows it at the end, behind all that comes of it.
    """
    if not are_ours(root):
        return log

    def write(level: str, message: str, **fields: str) -> None:
        log(level, message, **fields)
        if level in {"notice", "warning"}:
            show("\n".join(f"{IDENTIFIER}: {line}" for line in message.splitlines()), root)

    return write
