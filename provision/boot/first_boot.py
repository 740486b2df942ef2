"""Decides whether a boot is the first one, by the kernel command line and the completion record.

There are two ways; a machine uses one of them (docs/decisions/0007-first-boot.md):

- The boot loader says that it is the first boot: GRUB adds `ignition.firstboot` while a stamp file is on the boot
  partition (Flatcar Container Linux: `flatcar.first_boot=detected`; CoreOS Container Linux: `coreos.first_boot=1`).
- The kernel command line always has `provision.firstboot=auto`: it is the first boot if the root file system, which is
  mounted read-only, has no RECORD. With `provision.firstboot.device=` the record is elsewhere.

`provision.reset=yes` asks for a factory reset (provision.boot.factory_reset), and then it is a first boot too.

A record belongs to one machine. If the disk has the record of another machine (a copied or moved disk), nothing is done
until a person chooses `provision.firstboot.record=keep` (the machine is provisioned) or `=ignore` (provision it again).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING

from provision.boot import ordering_points
from provision.boot.failure_policy import failure_policy
from provision.boot.records.completion_record import (
    DEVICE,
    EFIVAR,
    RECORD,
    Place,
    ostree_system,
    read_record,
    record_places,
)
from provision.boot.records.content import is_begun, new_record, owner_of
from provision.boot.records.machine_identity import machine_identity
from provision.boot.run_files import PLATFORM_FILE
from provision.failures import Failure, FetchFailed, as_failure
from provision.kernel_command_line import arguments, check_network_argument, last_value, platform_id, root_is_on_network
from provision.planning.device_names import link
from provision.system.running_system.local_system import LocalSystem

if TYPE_CHECKING:
    from provision.system.block.sysfs import Block

ENVIRONMENT = "/run/provision/first-boot"
"""All other units start only if this file exists, and read from it which stages they run."""

LONG = 5.0
"""Seconds of waiting after which a message is shown on the consoles."""


def decide(running_system: LocalSystem, *, wait: bool = True) -> str:
    """Decide, and on a first boot write the files that other units need (ENVIRONMENT, PLATFORM_FILE). Raises Failure.

    Returns the name of the platform if this is a first boot, else an empty text. A platform that PLATFORM_FILE names
    already comes before that of the kernel command line: some distributions find it out themselves. Without `wait` a
    device that is not there yet is taken for missing.
    """
    from provision.system import mounts
    from provision.system.private_files import write_private
    from provision.system.shared_files import write_shared

    # killed or not, it leaves no mount behind, which would keep the root file system read-only
    mounts.unshare_mounts_if_allowed()
    command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
    said = verdict(command_line)
    first = said is Verdict.FIRST or (said is Verdict.LOOK and lacks_record(command_line, running_system, wait=wait))
    print("this is a first boot" if first else "this machine is provisioned already")
    if not first:
        return ""
    known = named_platform(running_system.read_text(PLATFORM_FILE))
    name = known or platform(command_line)
    # an unknown value is reported now, and not at the end, or only when something else fails
    check_network_argument(command_line)
    failure_policy(command_line)
    if record_device(command_line) == EFIVAR:
        from provision.boot.records import firmware_record

        # until a reset has written its request, the machine stays as it was
        still = new_record(running_system) if reset_is_asked(command_line) else b""
        firmware_record.begin(new_record(running_system, finished=False), still)
    elif may_replace_record(command_line, said):
        _find_earlier_record(command_line, running_system, wait=wait)
    if not known:
        write_shared(PLATFORM_FILE, f"PLATFORM_ID={name}\n", 0o644)
    separate = ordering_points.are_used()
    if separate:
        write_private(ordering_points.SEPARATE, b"")
    stages = ordering_points.SEPARATE_STAGES if separate else ordering_points.COMBINED_STAGES
    write_private(ENVIRONMENT, "".join(f'{variable}="{steps}"\n' for variable, steps in stages.items()).encode())
    return name


def lacks_record(command_line: str, running_system: LocalSystem, *, wait: bool) -> bool:
    """Whether the root file system has no completion record of this machine. Raises Failure if that cannot be known.

    Without `wait` a device that is not there yet is taken for missing.
    """
    device = record_device(command_line) or durable_root(command_line)
    machine = machine_identity(running_system)
    if device == EFIVAR:
        from provision.boot.records import firmware_record

        record = firmware_record.finished_record()
        return record is None or not proves_provisioned(record, command_line, machine)
    if wait_for_device(device, wait_seconds(command_line) if wait else 0, running_system):
        if last_value(command_line, DEVICE) and not has_file_system(device):
            print(f"there is no file system on {device}, and so no record")
            return True
        places = record_places(command_line)
        record = read_record(device, places, running_system)
        if record is None:
            from provision.boot.records.copies import check_copies

            check_copies(device, places, machine, running_system)
        return record is None or is_begun(record) or not proves_provisioned(record, command_line, machine)
    if root_is_on_network(command_line):
        raise Failure(
            f"the device {device} did not appear, and the kernel command line names a root on the network: it is"
            " unknown whether this machine is provisioned",
            hint="see why it is not reached; ignition.firstboot on the kernel command line provisions in any case",
        )
    from provision.system.block import sysfs

    if held := first_signature(sysfs.every()):
        raise Failure(
            f"the device {device} did not appear, and {held}: it is unknown whether this machine is provisioned",
            hint="boot once with ignition.firstboot on the kernel command line to provision it in any case",
        )
    print(f"there is no {device}, and no disk holds anything")
    return True


def may_replace_record(command_line: str, said: Verdict) -> bool:
    """Whether this first boot may find a finished record in a file, which a later boot would believe.

    Boots without `provision.firstboot=auto` do not look for one. A reset removes it itself.
    """
    if last_value(command_line, "provision.firstboot") != "auto" or reset_is_asked(command_line):
        return False
    return said is Verdict.FIRST or last_value(command_line, "provision.firstboot.record") == "ignore"


def _find_earlier_record(command_line: str, running_system: LocalSystem, *, wait: bool) -> None:
    """Look for finished records in files, and remember them. What cannot be read does not stop this first boot."""
    try:
        device = record_device(command_line) or root_device(command_line)
    except Failure:
        return  # such a root cannot hold a record
    seconds = wait_seconds(command_line) if wait else 0
    if not wait_for_device(device, seconds, running_system):
        return
    places = record_places(command_line)
    try:
        if not has_file_system(device):
            return
        read_record(device, places, running_system)
    except (Failure, OSError) as error:
        print(f"it is unknown whether there is an earlier record: {as_failure(error).message}")
        return
    if found := [place for place in places if _is_finished(device, place, running_system)]:
        from provision.boot.records import earlier_record

        earlier_record.remember(device, found)


def _is_finished(device: str, place: Place, running_system: LocalSystem) -> bool:
    """Whether a place on a device has a finished record; it has none if the device cannot be mounted so."""
    try:
        record = running_system.read_from(device, place.path, options=place.options)
    except FetchFailed:
        return False
    return record is not None and not is_begun(record)


def proves_provisioned(record: bytes, command_line: str, machine: str) -> bool:
    """Whether a completion record says that this machine is provisioned. Raises Failure for the record of another one.

    If the machine has no identity (`machine` is empty), or the record has none, the record is taken for this machine's.
    """
    owner = owner_of(record)
    if not machine or not owner or owner == machine:
        return True
    said = last_value(command_line, "provision.firstboot.record")
    if said not in {"keep", "ignore"}:
        found = f"the root file system has the record of another machine ({RECORD}): it was copied, or moved here"
        if last_value(command_line, DEVICE) == EFIVAR:
            found = (
                "the EFI firmware has the record of another machine: the record was copied, or the serial number of"
                " this machine changed"
            )
        raise Failure(
            found,
            hint="boot once with provision.firstboot.record=ignore to provision this machine, or with "
            "provision.firstboot.record=keep and run `provision-firstboot record /` to keep it as it is",
        )
    return said == "keep"


def wait_for_device(device: str, seconds: float, running_system: LocalSystem) -> bool:
    """Wait for a device, which the consoles show after a while. Returns whether it is there."""
    from provision.system import consoles

    began, said = time.monotonic(), False
    while not _is_there(device):
        waited = time.monotonic() - began
        if waited >= seconds:
            return False
        if waited >= LONG and not said:
            said = True
            text = f"provision: waiting for the device {device}, {seconds - waited:.0f} s more"
            print(text, flush=True)
            consoles.show(text)
        running_system.await_change(min(seconds - waited, 1.0))
    return True


def _is_there(device: str) -> bool:
    """Whether a device has content. An array whose members are not all there yet has a node, but no size."""
    from provision.system.block import sysfs

    block = sysfs.find(device)
    return os.path.exists(device) if block is None else block.size > 0


def first_signature(blocks: Iterable[Block]) -> str:
    """`NODE holds TYPE` for the first disk with a signature that is not a config drive; empty if there is none.

    A disk that cannot be read counts, because it may hold anything.
    """
    from provision.fetch.platforms.drives import CONFIG_DRIVES
    from provision.system.block import signatures

    for node, found in signatures.on_disks(blocks):
        if found is None:
            return f"{node} cannot be read"
        if found.type and (found.label or "").lower() not in CONFIG_DRIVES:
            return f"{node} holds {found.type}"
    return ""


WAIT = 30.0
"""Seconds to wait for the root device, unless `provision.firstboot.wait=` sets another time."""

WAIT_FOR_VOLUMES = 180.0
"""The same if the kernel command line names arrays, encrypted volumes or a root on the network, which has to come up.

It is the time after which dracut gives up (rd.retry, dracut.cmdline(7)).
"""

_VOLUMES = frozenset({"rd.auto", "rd.luks.name", "rd.luks.uuid", "rd.md.uuid"})

_STAMPED = frozenset({"1", "detected"})
"""Values with which GRUB of Flatcar Container Linux says first boot; `detected` if the boot partition has a stamp."""

_OFF = frozenset({"", "0", "no", "off"})

_BY = {"LABEL": "by-label", "UUID": "by-uuid", "PARTLABEL": "by-partlabel", "PARTUUID": "by-partuuid"}


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


def _device(text: str) -> str:
    """The name below /dev of a block device as root= names it; empty if it is none."""
    kind, equals, value = text.partition("=")
    if equals and kind in _BY:
        return link(_BY[kind], value)
    return text if text.startswith("/dev/") else ""


def has_file_system(device: str) -> bool:
    """Whether a device has a file system that can hold a record."""
    from provision.system.block import signatures

    found = signatures.probe(os.path.realpath(device))
    return bool(found.type) and not found.unfinished  # an interrupted mkfs left nothing that could hold a record


def wait_seconds(command_line: str) -> float:
    """Seconds to wait for the root device. Raises Failure for a value that is not a number."""
    text = last_value(command_line, "provision.firstboot.wait")
    names = {name for name, _ in arguments(command_line)}
    slow = bool(names & _VOLUMES) or root_is_on_network(command_line)
    if not text:
        return WAIT_FOR_VOLUMES if slow else WAIT
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):  # float() takes `nan`, with which a wait never ends
        raise Failure(f"kernel command line: provision.firstboot.wait={text} is not a number of seconds")
    return float(text)
