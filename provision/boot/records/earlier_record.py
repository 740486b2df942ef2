"""The record of an earlier first boot in a file, on a machine that is provisioned once more.

`ignition.firstboot`, typed once at the boot loader, is gone at the next boot. If that record were still there after an
interruption, the next boot would start a system that is half made. So it is replaced by the note that a first boot has
begun, when everything is checked and before the first change (docs/decisions/0007-first-boot.md).
"""

from __future__ import annotations

import json
import os

from provision.boot.first_boot_arguments import record_device, root_device, wait_seconds
from provision.boot.records.completion_record import Place, read_record, record_places, write_on
from provision.boot.records.content import is_begun, new_record
from provision.boot.records.devices import has_file_system, wait_for_device
from provision.boot.run_files import EARLIER_RECORD
from provision.failures import Failure, FetchFailed, as_failure
from provision.system.private_files import erase_private, write_private
from provision.system.running_system.local_system import LocalSystem


def find(command_line: str, running_system: LocalSystem, *, wait: bool) -> None:
    """Look for finished records in files, and keep for `replace` where they are. Raises Failure if that is impossible.

    What cannot be read does not stop this first boot. Without `wait` a device that is not there yet is taken for
    missing.
    """
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
        write_private(EARLIER_RECORD, json.dumps({"device": device, "places": found}).encode())


def _is_finished(device: str, place: Place, running_system: LocalSystem) -> bool:
    """Whether a place on a device has a finished record; it has none if the device cannot be mounted so."""
    try:
        record = running_system.read_from(device, place.path, options=place.options)
    except FetchFailed:
        return False
    return record is not None and not is_begun(record)


def replace(running_system: LocalSystem) -> None:
    """Replace what `find` found by the note that a first boot has begun. Raises Failure; then nothing has changed."""
    with open(EARLIER_RECORD, "rb") as file:
        found = json.load(file)
    for path, options in found["places"]:
        try:
            write_on(found["device"], Place(path, options), new_record(running_system, finished=False))
        except (Failure, OSError) as error:
            reason = error.message if isinstance(error, Failure) else error.strerror
            raise Failure(
                f"the record of an earlier first boot ({path} on {found['device']}) cannot be replaced: {reason};"
                " nothing was changed",
                hint="make that file system writable, or boot with ignition.firstboot and without"
                " provision.firstboot=auto: then an interrupted first boot does not go on by itself",
            ) from error
        print(f"{path} on {found['device']} says now that a first boot has begun", flush=True)
    os.sync()
    erase_private(EARLIER_RECORD)
