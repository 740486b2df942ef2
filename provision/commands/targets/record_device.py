"""Where the record of a first boot is, if it is not in the root: as the kernel command line of a system says."""

from __future__ import annotations

import os
from contextlib import suppress


def is_this_machine(root: str) -> bool:
    """Whether a root is that of the running system. In a chroot `/` is not: it may be an image that is being built.

    Source: running_in_chroot of systemd's src/basic/virt.c, which compares the same two directories.
    """
    if os.path.realpath(root) != "/":
        return False
    with suppress(PermissionError):  # only root may ask, and only root can change anything
        try:
            return os.path.samefile("/proc/1/root/.", "/")
        except FileNotFoundError:  # nobody has mounted /proc
            return False
    return True


def command_line_for(root: str) -> str:
    """The kernel command line of this machine if `root` is its root; of another system it is not known: empty."""
    if not is_this_machine(root):
        return ""
    with open("/proc/cmdline", encoding="utf-8", errors="replace") as file:
        return file.read()


def device_of_record(command_line: str) -> str:
    """The device that a kernel command line names for the record, or EFIVAR; empty if it names none. Raises Failure."""
    from provision.boot.first_boot_arguments import DEVICE, record_device
    from provision.kernel_command_line import last_value

    return record_device(command_line) if last_value(command_line, DEVICE) else ""
