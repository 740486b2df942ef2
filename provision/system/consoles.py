"""Shows messages on all consoles of the machine, for people who watch a boot."""

from __future__ import annotations

import os
from contextlib import suppress

from provision.log import IDENTIFIER, FieldLog

_ACTIVE = "/sys/class/tty/console/active"

_INITRAMFS = "/etc/initrd-release"


def in_initramfs(root: str = "") -> bool:
    """Whether this is an initramfs, where people cannot read the journal yet."""
    return os.path.exists(root + _INITRAMFS)


def show(text: str, root: str = "") -> None:
    """Write lines to every console of the kernel (each `console=`). One that cannot be written is skipped."""
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
    """Names of the consoles (`tty0`, `ttyS0`); the last one is /dev/console (Documentation/ABI/testing/sysfs-tty)."""
    with suppress(OSError), open(root + _ACTIVE, encoding="ascii") as file:
        return file.read().split()
    return []


def on_consoles(log: FieldLog, root: str = "") -> FieldLog:
    """A log that also shows notices and warnings on all consoles, if this is an initramfs.

    Errors are not shown here: at the end `provision.boot.failure.report` shows why the boot stopped.
    """
    if not in_initramfs(root):
        return log

    def write(level: str, message: str, **fields: str) -> None:
        log(level, message, **fields)
        if level in {"notice", "warning"}:
            show("\n".join(f"{IDENTIFIER}: {line}" for line in message.splitlines()), root)

    return write
