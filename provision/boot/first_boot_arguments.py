"""What the kernel command line says of first boots: whether this is one, where the record is, how long to wait."""

from __future__ import annotations

import re
from enum import Enum

from provision.boot.run_files import PLATFORM_FILE
from provision.failures import Failure
from provision.kernel_command_line import arguments, last_value, platform_id, root_is_on_network
from provision.planning.device_names import link

DEVICE = "provision.firstboot.device"
"""The argument that names the file system with the record, at whose top it is then, or says EFIVAR."""

EFIVAR = "efivar"
"""The value of DEVICE with which the record is a variable of the EFI firmware."""

_STAMPED = frozenset({"1", "detected"})
"""Values with which GRUB of Flatcar Container Linux says first boot; `detected` if the boot partition has a stamp."""

_OFF = frozenset({"", "0", "no", "off"})


class Verdict(Enum):
    """What the kernel command line alone says: first boot, not a first boot, or look for the record."""

    FIRST = "first"
    LATER = "later"
    LOOK = "look"


def verdict(command_line: str) -> Verdict:
    """What the kernel command line says. Raises Failure for an unknown value of an argument of ours."""
    if reset_is_asked(command_line):
        return Verdict.FIRST
    # for Ignition's generator an argument without `=` is true
    stamp = last_value(command_line, "ignition.firstboot", bare="1")
    if stamp is not None and stamp not in _OFF:
        return Verdict.FIRST
    if any(last_value(command_line, name) in _STAMPED for name in ("coreos.first_boot", "flatcar.first_boot")):
        return Verdict.FIRST
    mode = last_value(command_line, "provision.firstboot")
    if mode not in {None, "auto", "no"}:
        raise Failure(
            f"kernel command line: provision.firstboot={mode} is unknown", hint="write provision.firstboot=auto, or no"
        )
    return Verdict.LOOK if mode == "auto" else Verdict.LATER


def may_replace_record(command_line: str, said: Verdict) -> bool:
    """Whether this first boot may find a finished record in a file, which a later boot would believe.

    Boots without `provision.firstboot=auto` do not look for one. A reset removes it itself.
    """
    if last_value(command_line, "provision.firstboot") != "auto" or reset_is_asked(command_line):
        return False
    return said is Verdict.FIRST or last_value(command_line, "provision.firstboot.record") == "ignore"


def reset_is_asked(command_line: str) -> bool:
    """Whether this boot shall do a factory reset. Raises Failure for a value that is neither yes nor no."""
    value = last_value(command_line, "provision.reset")
    if value not in {None, "yes", "no"}:
        raise Failure(f"kernel command line: provision.reset={value} is unknown", hint="write provision.reset=yes")
    return value == "yes"


def platform(command_line: str) -> str:
    """The platform that the kernel command line names. Raises Failure if it names none."""
    name = platform_id(command_line)
    if not name:
        raise Failure("kernel command line: no platform", hint="add ignition.platform.id=metal, or the cloud's name")
    return _checked(name, "kernel command line")


def named_platform(environment: str) -> str:
    """The platform in the text of PLATFORM_FILE; empty if it names none. Raises Failure."""
    values = [line.removeprefix("PLATFORM_ID=") for line in environment.splitlines() if line.startswith("PLATFORM_ID=")]
    name = values[-1].strip().strip("\"'") if values else ""
    return _checked(name, PLATFORM_FILE) if name else ""


def _checked(name: str, place: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise Failure(f"{place}: {name!r} is not the name of a platform")
    return name


def root_device(command_line: str) -> str:
    """The device of the root file system, as a name below /dev. Raises Failure.

    Source: systemd-fstab-generator(8), dracut.cmdline(7); without `root=`, systemd-gpt-auto-generator(8).
    """
    root = (last_value(command_line, "root") or "gpt-auto").removeprefix("block:")
    if root in {"gpt-auto", "gpt-auto-force"}:
        return "/dev/gpt-auto-root"
    if (device := _device(root)) and device != "/dev/nfs":  # the name of no device (nfsroot of Linux)
        return device
    raise Failure(
        f"kernel command line: root={root} is not a block device, so it cannot hold the record",
        hint="let the boot loader say ignition.firstboot instead of provision.firstboot=auto",
    )


def durable_root(command_line: str) -> str:
    """The root device, if what is written to the root file system is there at the next boot. Raises Failure."""
    volatile = last_value(command_line, "systemd.volatile", bare="yes")
    if volatile in {"yes", "y", "true", "t", "on", "1", "overlay"}:
        raise Failure(
            f"kernel command line: with systemd.volatile={volatile} the root file system is in memory, and so would be"
            " the record: each boot would provision this machine again",
            hint=f"let {DEVICE}= name another place for the record, or use ignition.firstboot instead of"
            " provision.firstboot=auto",
        )
    return root_device(command_line)


def record_device(command_line: str) -> str:
    """The device with the record, if that is not in /etc of the root file system; else empty. Raises Failure.

    It is EFIVAR if the record is in the firmware. With OSTree it is the root device: what is mounted as the root file
    system is a directory on it.
    """
    if named := last_value(command_line, DEVICE):
        device = EFIVAR if named == EFIVAR else _device(named)
        if not device:
            hint = f"write LABEL=, UUID=, PARTLABEL= or PARTUUID= and the name, a path in /dev, or {EFIVAR}"
            raise Failure(f"kernel command line: {DEVICE}={named} is not a block device", hint=hint)
        return device
    return root_device(command_line) if ostree_system(command_line) else ""


def ostree_system(command_line: str) -> str:
    """The name of the booted system of OSTree: `debian` for `ostree=/ostree/boot.1/debian/CHECKSUM/0`; else empty.

    Source: https://ostreedev.github.io/ostree/deployment/
    """
    parts = (last_value(command_line, "ostree") or "").strip("/").split("/")
    known = len(parts) == 5 and parts[0] == "ostree" and parts[1].startswith("boot.")
    return parts[2] if known and parts[2] not in {"", ".", ".."} else ""


_BY = {"LABEL": "by-label", "UUID": "by-uuid", "PARTLABEL": "by-partlabel", "PARTUUID": "by-partuuid"}


def _device(text: str) -> str:
    """The name below /dev of a block device as root= names it; empty if it is none."""
    kind, equals, value = text.partition("=")
    if equals and kind in _BY:
        return link(_BY[kind], value)
    return text if text.startswith("/dev/") else ""


WAIT = 30.0
"""Seconds to wait for the root device, unless `provision.firstboot.wait=` sets another time."""

WAIT_FOR_VOLUMES = 180.0
"""The same if the kernel command line names arrays, encrypted volumes or a root on the network, which has to come up.

It is the time after which dracut gives up (rd.retry, dracut.cmdline(7)).
"""

_VOLUMES = frozenset({"rd.auto", "rd.luks.name", "rd.luks.uuid", "rd.md.uuid"})


def wait_seconds(command_line: str) -> float:
    """Seconds to wait for the root device. Raises Failure for a value that is not a number."""
    text = last_value(command_line, "provision.firstboot.wait")
    names = {name for name, _ in arguments(command_line)}
    slow = bool(names & _VOLUMES) or root_is_on_network(command_line)
    if not text:
        return WAIT_FOR_VOLUMES if slow else WAIT
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):  # float() takes `nan`, with which a wait never ends
        hint = "write it in digits, such as provision.firstboot.wait=60"
        raise Failure(f"kernel command line: provision.firstboot.wait={text} is not a number of seconds", hint=hint)
    return float(text)
