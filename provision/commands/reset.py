"""Reset a system to what its image had: the next boot empties the root file system, and is a first boot.

Without --yes it only names what would be removed. /usr, /boot, other file systems and what --keep names stay. /etc is
made again from /usr/share/factory. `provision.reset=yes` on the kernel command line does the same at once.
"""

from __future__ import annotations

import argparse
import os
import posixpath
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provision.commands.targets.record_device import command_line_for, device_of_record, is_this_machine
from provision.config.reports.streams import forget_lost_output
from provision.failures import Failure, Usage

if TYPE_CHECKING:
    from provision.system.machine import Machine

NAME = "reset"
HELP = "make the next boot a first boot on an emptied root file system"
EPILOG = """\
examples:
  provision reset --keep /home
  provision reset --keep /home --yes && systemctl reboot

"""

STAMPS = (
    ("/boot/flatcar", "/boot/flatcar/first_boot"),
    ("/boot/coreos", "/boot/coreos/first_boot"),
    ("/boot", "/boot/ignition.firstboot"),
)
"""Directories of boot loaders, and the stamp by which each recognises a first boot."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--root", default="/", metavar="DIR", help="root of the system (default: /, this machine)")
    parser.add_argument("--keep", action="append", default=[], metavar="PATH", help="a file or directory that stays")
    parser.add_argument("--yes", action="store_true", help="ask for the reset, instead of naming what it removes")


def run(arguments: argparse.Namespace) -> int:
    """Print what goes and what stays, and with --yes write the request. Returns 0; raises Failure."""
    from provision.boot.factory_reset import check_factory
    from provision.commands.targets.system_root import system_root

    with system_root(arguments.root) as machine:
        keep = tuple(_checked(path, machine) for path in arguments.keep)
        check_factory(machine, keep)
        _show(machine, keep)
        if arguments.yes:
            _ask(machine, os.path.abspath(arguments.root), keep)
            forget_lost_output()  # the request is written: a script has to know that
        else:
            print("Nothing was changed: --yes asks for the reset.")
    return 0


def _checked(path: str, machine: Machine) -> str:
    clean = posixpath.normpath(path)
    if not clean.startswith("/") or clean in {"/", "//"}:
        raise Usage(f"--keep {path}: is not a path below the root", hint="write it from the root on: --keep /home/core")
    if machine.file_status(clean) is None:
        raise Failure(f"--keep {path}: there is no such file or directory", hint="nothing was changed")
    return clean


def _show(machine: Machine, keep: Sequence[str]) -> None:
    from provision.boot.factory_reset import FACTORY, KEPT, removed

    print("The reset removes, with all that is below:")
    for path in removed(machine, keep):
        again = f" (made again from {FACTORY}{path})" if machine.file_status(FACTORY + path) is not None else ""
        print(f"  {path}{again}")
    there = sorted(path for path in KEPT if machine.file_status(path) is not None)
    print(f"It keeps: {', '.join([*there, *keep])}")
    if mounted := [path for path in machine.mounts_below("/") if not path.startswith(tuple(KEPT))]:
        print(f"It keeps what is mounted: {', '.join(mounted)}")


def _ask(machine: Machine, root: str, keep: Sequence[str]) -> None:
    """Write the request first, and then what makes the next boot a first boot: no record, or the stamp."""
    from provision.boot.factory_reset import REQUEST, request_file
    from provision.boot.first_boot_arguments import Verdict, verdict
    from provision.boot.records.completion_record import RECORD
    from provision.planning.file_actions import RemovePath, WriteFile

    is_running = is_this_machine(root)
    command_line = command_line_for(root)
    device = device_of_record(command_line)
    stamp = "" if not is_running or verdict(command_line) is Verdict.LOOK else _stamp(machine)
    machine.apply(request_file(keep))
    undo = f"rm {root.rstrip('/')}{REQUEST}"
    is_elsewhere = bool(device) and _remove_elsewhere(machine, device)
    is_here = machine.file_status(RECORD) is not None
    if is_here:
        machine.apply(RemovePath(RECORD))
    if is_here or is_elsewhere:
        # of another system only its own machine can write the record, which names the machine
        undo += " && provision-firstboot record /" if is_running else ", and write its record on its machine"
    if stamp:
        machine.apply(WriteFile(stamp, (), mode=0o644))
        undo = f"rm {REQUEST} {stamp}"
        print(f"The stamp {stamp} is made: the boot loader has to read it.")
    print(f"The next boot does this. Until then, to take it back: {undo}")


def _stamp(machine: Machine) -> str:
    """Path of the stamp that the boot loader of this machine reads. Raises Failure if it has no place."""
    stamp = next((file for folder, file in STAMPS if machine.file_status(folder) is not None), "")
    if not stamp:
        raise Failure("there is no /boot for a stamp", hint="boot once with provision.reset=yes instead")
    return stamp


def _remove_elsewhere(machine: Machine, device: str) -> bool:
    """Remove a record that is not in the root file system; if that fails, nothing asks for the reset any more."""
    from provision.boot.factory_reset import REQUEST
    from provision.boot.records.completion_record import remove_record_on
    from provision.planning.file_actions import RemovePath

    try:
        return bool(remove_record_on(device))
    except Failure:
        machine.apply(RemovePath(REQUEST))
        raise
