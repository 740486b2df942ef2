"""Finds out whether this machine can run virtual machines at full speed (KVM)."""

from __future__ import annotations

import os
from functools import cache

from provision.system.virtual_machine.needed_programs import QEMU

KVM = ("-machine", "q35,accel=kvm", "-cpu", "host")
EMULATED = ("-machine", "q35,accel=tcg", "-cpu", "max,-erms,-fsrm")
"""Options of qemu. Without fast string operations the kernel clears eight bytes each: qemu 7.2 may take milliseconds
for each `rep stosb` where code has been before.
"""

SECONDS = 3.0
"""A usable KVM ends the trial in a tenth of a second; a nested one may take minutes, or never end."""

_BOOT_SECTOR = bytes([0xB0, 0x10, 0xE6, 0xF4, 0xF4, 0xEB, 0xFD]).ljust(510, b"\0") + b"\x55\xaa"
"""mov al, 16; out 0xf4, al; then halt for ever."""

_ENDED = 33
"""The exit status of qemu after that: isa-debug-exit ends it with twice the value, plus one."""


@cache
def kvm_problem() -> str:
    """Why KVM cannot be used here; empty if it can. It boots a sector, because /dev/kvm may exist and guests hang."""
    if not os.path.exists("/dev/kvm"):
        return "there is no /dev/kvm"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm cannot be opened by this user (its group is kvm)"
    if not boots_a_sector(KVM, SECONDS):
        return f"there is /dev/kvm, but a guest does not start with it within {SECONDS:g} s"
    return ""


def boots_a_sector(machine: tuple[str, ...], seconds: float) -> bool:
    """Whether a machine with these options runs its BIOS and a boot sector within `seconds`. Raises FileNotFoundError.

    It is raised if qemu is not installed.
    """
    import subprocess
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(prefix="provision-") as disk:
        disk.write(_BOOT_SECTOR)
        disk.truncate(1 << 20)
        disk.flush()
        argv = [QEMU, *machine, "-m", "64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        argv += ["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]
        argv += ["-drive", f"if=none,id=sector,format=raw,file={disk.name}"]
        argv += ["-device", "virtio-blk-pci,drive=sector,bootindex=0"]
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == _ENDED
