"""The record that a first boot is done: its path in the root file system, and the code that writes it at the end."""

from __future__ import annotations

import os
import time

from provision.boot.machine_identity import machine_identity
from provision.kernel_command_line import last_value
from provision.planning.boot_state import BootState
from provision.system.running_system.local_system import LocalSystem


def write_completion_record(root: str, running_system: LocalSystem) -> None:
    """Write the record after everything else is on the disk (sync(2)). Raises ActionFailed."""
    import json

    from provision import __version__
    from provision.engine.history import RECORD as RUN_RECORD
    from provision.planning.arguments import Content
    from provision.planning.file_actions import RemovePath, WriteFile
    from provision.system.block.kernel_devices import KernelDevices
    from provision.system.machine import Machine

    os.sync()
    boot = running_system.read_text(running_system.paths.boot_id_path).strip()
    machine_id = machine_identity(running_system)
    done = {"boot": boot, "machine": machine_id, "finished": int(time.time()), "provision": __version__}
    machine = Machine(root, KernelDevices(), BootState())
    try:
        machine.apply(WriteFile(RECORD, (Content(json.dumps(done).encode() + b"\n"),), parents=("/etc",)))
        machine.apply(RemovePath(RUN_RECORD))  # only an interrupted boot needs it
    finally:
        machine.release()
    os.sync()
    print(f"provisioned: recorded in {RECORD}")


RECORD = "/etc/.provision-complete.json"
"""Path of the completion record in the root file system. It is in /etc, because /var is often another file system."""


def owner_of(record: bytes) -> str:
    """The identity of the machine in a completion record (see `machine_identity`); empty if the record has none."""
    import json

    try:
        owner = json.loads(record).get("machine")
    except (ValueError, AttributeError):
        return ""
    return owner if isinstance(owner, str) else ""


def record_paths(command_line: str) -> tuple[str, ...]:
    """Paths at which the record may be on the root device; the first are in the subvolumes of `rootflags=subvol=`."""
    flags = (last_value(command_line, "rootflags") or "").split(",")
    volumes = [flag.removeprefix("subvol=") for flag in flags if flag.startswith("subvol=")]
    return (*(f"/{volume.strip('/')}{RECORD}" for volume in volumes), RECORD)
