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

from provision.boot import ordering_points
from provision.boot.failure.policy import failure_policy
from provision.boot.first_boot_arguments import (
    DEVICE,
    EFIVAR,
    Verdict,
    durable_root,
    may_replace_record,
    named_platform,
    platform,
    record_device,
    reset_is_asked,
    verdict,
    wait_seconds,
)
from provision.boot.records.completion_record import RECORD, read_record, record_places
from provision.boot.records.content import is_begun, new_record, owner_of
from provision.boot.records.devices import first_signature, has_file_system, wait_for_device
from provision.boot.records.machine_identity import machine_identity
from provision.boot.run_files import ENVIRONMENT, PLATFORM_FILE
from provision.failures import Failure, FetchFailed
from provision.kernel_command_line import check_network_argument, last_value, root_is_on_network
from provision.system.running_system.local_system import LocalSystem


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
    if not first:
        print("this machine is provisioned already")
        return ""
    known = named_platform(running_system.read_text(PLATFORM_FILE))
    name = known or platform(command_line)
    # an unknown value is reported now, and not at the end, or only when something else fails
    check_network_argument(command_line)
    failure_policy(command_line)
    print("this is a first boot")
    if record_device(command_line) == EFIVAR:
        from provision.boot.records import firmware_record

        # until a reset has written its request, the machine stays as it was
        still = new_record(running_system) if reset_is_asked(command_line) else b""
        firmware_record.begin(new_record(running_system, finished=False), still)
    elif may_replace_record(command_line, said):
        from provision.boot.records import earlier_record

        earlier_record.find(command_line, running_system, wait=wait)
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
        try:
            record = read_record(device, places, running_system)
        except FetchFailed as error:
            raise Failure(
                f"{error.message}; it is unknown whether this machine is provisioned",
                hint=error.hint or "ignition.firstboot on the kernel command line provisions in any case",
            ) from error
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
        unnamed = last_value(command_line, "root") is None and not last_value(command_line, DEVICE)
        name = "name the root device by root= on the kernel command line, or " if unnamed else ""
        raise Failure(
            f"the device {device} did not appear, and {held}: it is unknown whether this machine is provisioned",
            hint=f"{name}boot once with ignition.firstboot on the kernel command line to provision it in any case",
        )
    print(f"there is no {device}, and no disk holds anything")
    return True


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
