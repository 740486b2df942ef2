"""The record that a first boot is done: where it lies in the root file system, and writing it at the very end."""

from __future__ import annotations

import os
import time

from provision.boot.machine_identity import machine_identity
from provision.boot.run_files import CONFIG_CACHE, RUN_DIR, STATE_FILE
from provision.kernel_command_line import last_value
from provision.planning.boot_state import BootState
from provision.system.running_system.local_system import LocalSystem


def record(root: str, running_system: LocalSystem) -> None:
    """Write the record when all else is on the disk. Raises ActionFailed."""
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
        machine.apply(RemovePath(RUN_RECORD))  # what was done is of no use any more
    finally:
        machine.release()
    os.sync()
    _erase_secrets()
    print(f"provisioned: recorded in {RECORD}")


def _erase_secrets() -> None:
    """Of a finished boot nothing stays in /run that a config may have held: the config, keys, what a platform gave."""
    from provision.system.private_files import erase

    blobs = f"{RUN_DIR}/blobs"
    names = os.listdir(blobs) if os.path.isdir(blobs) else []
    for path in (CONFIG_CACHE, STATE_FILE, *(f"{blobs}/{name}" for name in names)):
        erase(path)


RECORD = "/etc/.provision-complete.json"
"""Where the record of completion lies in the root file system: beside the result file, and not in /var, which is
often a file system of its own."""


def owner_of(record: bytes) -> str:
    """The identity of the machine that a record is about; empty if it tells none."""
    import json

    try:
        owner = json.loads(record).get("machine")
    except (ValueError, AttributeError):
        return ""
    return owner if isinstance(owner, str) else ""


def record_paths(command_line: str) -> tuple[str, ...]:
    """Where the record may lie on the root device: with `rootflags=subvol=` in that subvolume."""
    flags = (last_value(command_line, "rootflags") or "").split(",")
    volumes = [flag.removeprefix("subvol=") for flag in flags if flag.startswith("subvol=")]
    return (*(f"/{volume.strip('/')}{RECORD}" for volume in volumes), RECORD)
