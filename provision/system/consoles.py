"""Shows messages on all consoles of the machine, for people who watch a boot."""

from __future__ import annotations

import os
import select
import time
from contextlib import ExitStack, suppress

from provision.kernel_command_line import arguments
from provision.log import IDENTIFIER, FieldLog

_ACTIVE = "/sys/class/tty/console/active"

_INITRAMFS = "/etc/initrd-release"

SECONDS = 2.0
"""How long a message waits for slow consoles. A serial line of 9600 baud takes 12 rows of 80 characters in a second."""


def in_initramfs(root: str = "") -> bool:
    """Whether this is an initramfs, where people cannot read the journal yet."""
    return os.path.exists(root + _INITRAMFS)


def show(text: str, root: str = "", seconds: float = SECONDS) -> bool:
    """Write lines to every console of the kernel (each `console=`). One that cannot be written is skipped.

    A console takes as much as it has room for, and a serial line makes new room slowly. This waits for room, at most so
    many seconds for all consoles together. Returns whether all consoles that can be written have all lines.
    """
    lines = ("".join(one if one.isprintable() else "?" for one in line) for line in text.split("\n"))
    data = "".join(f"{line}\n" for line in lines).encode(errors="replace")
    with ExitStack() as stack:
        left = {}
        for name in _names(root):
            with suppress(OSError):
                fd = os.open(f"{root}/dev/{name}", os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
                stack.callback(os.close, fd)
                left[fd] = data
        return _write(left, time.monotonic() + seconds)


def _write(left: dict[int, bytes], end: float) -> bool:
    """Write to each descriptor what is left for it. Returns whether all is written before the time `end`."""
    while True:
        left = {fd: rest for fd, data in left.items() if (rest := _rest(fd, data))}
        wait = end - time.monotonic()
        if not left or wait <= 0:
            return not left
        ready = select.poll()
        for fd in left:
            ready.register(fd, select.POLLOUT)
        ready.poll(wait * 1000)


def _rest(fd: int, data: bytes) -> bytes:
    """The bytes that a descriptor does not take now; none if it cannot be written."""
    try:
        return data[os.write(fd, data) :]
    except BlockingIOError:
        return data
    except OSError:
        return b""


def _names(root: str) -> list[str]:
    """Names of the consoles (`tty0`, `ttyS0`); the last one is /dev/console (Documentation/ABI/testing/sysfs-tty)."""
    with suppress(OSError), open(root + _ACTIVE, encoding="ascii") as file:
        return file.read().split()
    return []


def on_consoles(log: FieldLog, root: str = "", seconds: float = SECONDS) -> FieldLog:
    """A log that also shows notices and warnings on all consoles, if this is an initramfs.

    With `quiet` on the kernel command line progress is not shown, but delays are, as by systemd.show_status=auto
    (systemd(1)). A message waits at most `seconds` for slow consoles. If one has waited in vain, no later one waits.
    Errors are not shown here: at the end `provision.boot.failure.report` shows why the boot stopped.
    """
    if not in_initramfs(root):
        return log
    shown = {"notice", "warning"} if _is_quiet(root) else {"notice", "progress", "warning"}

    def write(level: str, message: str, **fields: str) -> None:
        nonlocal seconds
        log(level, message, **fields)
        if level in shown:
            text = "\n".join(f"{IDENTIFIER}: {line}" for line in message.splitlines())
            if not show(text, root, seconds):
                seconds = 0.0

    return write


def _is_quiet(root: str) -> bool:
    with suppress(OSError), open(f"{root}/proc/cmdline", encoding="utf-8", errors="replace") as file:
        return any(one == ("quiet", None) for one in arguments(file.read()))
    return False
