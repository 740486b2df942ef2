"""The record of an earlier first boot in a file, on a machine that is provisioned once more.

`ignition.firstboot`, typed once at the boot loader, is gone at the next boot. If that record were still there after an
interruption, the next boot would start a system that is half made. So it is replaced by the note that a first boot has
begun, when everything is checked and before the first change (docs/decisions/0007-first-boot.md).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from provision.boot.records.completion_record import Place, write_on
from provision.boot.records.content import new_record
from provision.boot.run_files import EARLIER_RECORD
from provision.failures import Failure
from provision.system.private_files import erase_private, write_private
from provision.system.running_system.local_system import LocalSystem


def remember(device: str, places: Sequence[Place]) -> None:
    """Keep for `replace` at which places on a device there is a finished record. Raises Failure."""
    write_private(EARLIER_RECORD, json.dumps({"device": device, "places": places}).encode())


def replace(running_system: LocalSystem) -> None:
    """Replace what was remembered by the note that a first boot has begun. Raises Failure; then nothing has changed."""
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
