"""Prepare a system for its capture as an image: each machine made of it is provisioned at its own first boot.

Removes what belongs to one machine only: the records of the first boot, the machine's id, and secrets for random
numbers and credentials (https://systemd.io/BUILDING_IMAGES/). The files of the config stay. The stamp of a boot loader,
such as /boot/ignition.firstboot, is not made again.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext

NAME = "clean"
HELP = "prepare a system for capture as an image"
EPILOG = """\
examples:
  provision clean --root /mnt
  provision clean --root / --ssh-host-keys && systemctl poweroff

"""

MACHINE_ID = "/etc/machine-id"

UNINITIALIZED = b"uninitialized\n"
"""With this id a boot is a first boot for systemd too, which then applies presets (machine-id(5))."""

SECRETS = (
    "/var/lib/dbus/machine-id",
    "/var/lib/systemd/credential.secret",
    "/var/lib/systemd/random-seed",
)

SSH_HOST_KEYS = tuple(
    f"/etc/ssh/ssh_host_{kind}_key{public}" for kind in ("dsa", "ecdsa", "ed25519", "rsa") for public in ("", ".pub")
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--root", required=True, metavar="DIR", help="root of the system; / is this machine")
    parser.add_argument(
        "--ssh-host-keys", action="store_true", help="remove SSH host keys too, if the system makes new ones at boot"
    )

    parser.add_argument(
        "--record-device",
        metavar="DEVICE",
        help="file system with the record of the first boot, or efivar, as in provision.firstboot.device= of the"
        " kernel command line; of this machine it is known",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print each path that is cleaned. Returns 0; raises Failure. A second run changes nothing."""
    from provision.boot.factory_reset import REQUEST
    from provision.boot.first_boot_arguments import DEVICE, EFIVAR
    from provision.boot.records.completion_record import RECORD, SHARED_RECORD, remove_record_on
    from provision.commands.targets.record_device import command_line_for, device_of_record
    from provision.commands.targets.system_root import system_root
    from provision.engine.history import RECORD as RUN_RECORD
    from provision.planning.arguments import Content
    from provision.planning.file_actions import RemovePath, WriteFile
    from provision.planning.machine_view import FileType
    from provision.stages.files.result_file import RESULT
    from provision.system.firmware_variables import variables

    given = arguments.record_device
    device = device_of_record(f"{DEVICE}={given}" if given is not None else command_line_for(arguments.root))
    # a machine without variables is refused before anything is removed
    with system_root(arguments.root) as machine, variables() if device == EFIVAR else nullcontext():
        keys = SSH_HOST_KEYS if arguments.ssh_host_keys else ()
        for path in (REQUEST, RUN_RECORD, RESULT, *SECRETS, *keys):
            status = machine.file_status(path)
            if status is not None and status.kind is FileType.FILE:  # a link leads to the machine's id
                machine.apply(RemovePath(path))
                print(f"removed {path}")
        if machine.content(MACHINE_ID) not in {None, UNINITIALIZED}:
            machine.apply(WriteFile(MACHINE_ID, (Content(UNINITIALIZED),), mode=0o444))
            print(f"emptied {MACHINE_ID}")
        # last: if this run is interrupted, the image counts as provisioned, and a second run does the rest
        for record in (SHARED_RECORD, RECORD):
            if machine.file_status(record) is not None:
                machine.apply(RemovePath(record))
                print(f"removed {record}")
        if device and (place := remove_record_on(device)):
            print(f"removed the record {place}")
    return 0
