"""Options of qemu for a machine that boots with our initramfs. `provision try` and the boot tests share them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from shutil import copyfile

from provision.failures import Failure
from provision.system.images.qemu import option_value
from provision.system.virtual_machine.kvm import EMULATED, KVM
from provision.system.virtual_machine.needed_programs import QEMU

COMMAND_LINE = (
    "root=LABEL=root rw console=ttyS0 systemd.firstboot=no ignition.platform.id=qemu norandmaps no_timer_check"
)
"""Addresses are not random (norandmaps): qemu translates a library anew for each address at which it is mapped, and a
page for which it keeps thousands of translations takes minutes when the guest writes to it (qemu 7.2).

Linux counts interrupts of the timer for some milliseconds when it starts. On a busy host an emulated machine gets too
few of them; then Linux panics, or goes on with interrupts that get lost (no_timer_check: it does not count them).
"""


def machine(*, kvm: bool, memory: int, reboots: bool = False) -> list[str]:
    """qemu, and a machine with one processor and `memory` MiB that has no devices yet.

    Without `reboots`, qemu ends when the machine reboots.
    """
    return [
        *(QEMU, *(KVM if kvm else EMULATED), "-smp", "1", "-m", str(memory)),
        *("-nodefaults", "-no-user-config", "-display", "none", *([] if reboots else ["-no-reboot"])),
        *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
    ]


def network(forwarded: Iterable[tuple[int, int]] = ()) -> list[str]:
    """A network card with DHCP. `forwarded` are ports of this machine's loopback, and ports of the guest."""
    forwards = [f"hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in forwarded]
    return ["-netdev", ",".join(["user,id=network", *forwards]), "-device", "virtio-net-pci,netdev=network,romfile="]


_WRITING = "cache=unsafe,discard=unmap,werror=report"
"""If the disk of this computer is full, the guest gets an error; otherwise qemu would stop it in silence."""


def drive(name: str, image: str, form: str, device: str = "virtio-blk-pci,serial={name}") -> list[str]:
    """A disk with that serial number; `device` is the kind of its controller, with properties."""
    kind, _, properties = device.format(name=name).partition(",")
    return [
        *("-drive", f"if=none,id={name},file={option_value(image)},format={form},{_WRITING}"),
        *("-device", ",".join([kind, f"drive={name}", *([properties] if properties else [])])),
    ]


def report_port(name: str, file: str) -> list[str]:
    """A port that the guest sees as /dev/virtio-ports/NAME; what is written to it goes to a file."""
    return [
        *("-chardev", f"file,id=report,path={option_value(file)}"),
        *("-device", f"virtserialport,chardev=report,name={name}"),
    ]


def firmware_file(name: str, file: str) -> list[str]:
    """A file that the guest reads from its firmware."""
    return ["-fw_cfg", f"name=opt/{name},file={option_value(file)}"]


UEFI = ("OVMF_CODE.fd", "OVMF_VARS.fd"), ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd")
"""The firmware of Debian 12 and of Debian 13, and its variables, in OVMF."""

OVMF = Path("/usr/share/OVMF")


def uefi(folder: Path) -> list[str]:
    """A UEFI firmware, whose variables are a file in this folder. Raises Failure if it is not installed."""
    found = next(((OVMF / code, OVMF / start) for code, start in UEFI if (OVMF / code).exists()), None)
    if found is None:
        raise Failure(f"there is no UEFI firmware in {OVMF}", hint="apt-get install ovmf")
    variables = folder / "variables"
    if not variables.exists():
        copyfile(found[1], variables)
    return [
        *("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={found[0]}"),
        *("-drive", f"if=pflash,format=raw,unit=1,file={option_value(str(variables))}"),
    ]


CONFIG = "com.coreos/config"
"""The name of the file in the firmware with the config, on the platform `qemu`."""
