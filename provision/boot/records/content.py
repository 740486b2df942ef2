"""What the record of a first boot says: of which machine it is, and whether the first boot has ended or only begun."""

from __future__ import annotations

import json
import time

from provision.boot.records.machine_identity import machine_identity
from provision.system.running_system.local_system import LocalSystem


def new_record(running_system: LocalSystem, *, finished: bool = True) -> bytes:
    """A record of this boot and this machine: that its first boot is finished, or that it has only begun."""
    from provision import __version__

    boot = running_system.read_text(running_system.paths.boot_id_path).strip()
    end = max(1, int(time.time())) if finished else 0  # a clock without a battery begins at 0
    done = {"boot": boot, "machine": machine_identity(running_system), "finished": end, "provision": __version__}
    return json.dumps(done).encode() + b"\n"


def owner_of(record: bytes) -> str:
    """The identity of the machine in a completion record (see `machine_identity`); empty if the record has none."""
    try:
        owner = json.loads(record).get("machine")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return owner if isinstance(owner, str) else ""


def is_begun(record: bytes) -> bool:
    """Whether a record says that a first boot has begun and not ended. Whatever else is there is a finished record."""
    try:
        return bool(json.loads(record)["finished"] == 0)
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
