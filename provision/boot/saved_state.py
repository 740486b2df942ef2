"""What outlives a stage in this boot: the config cache and the memory, as private files of the engine."""

from __future__ import annotations

import json

from provision.failures import Failure
from provision.planning.machine_view import Memory
from provision.system.private_files import read_private, write_private


def read_memory(path: str) -> dict[str, Memory]:
    """What earlier stages remembered; nothing if there is no file. Raises Failure for one that cannot be used."""
    data = read_private(path)
    if data is None:
        return {}
    try:
        entries = json.loads(data)
        return {name: tuple(value) if isinstance(value, list) else value for name, value in entries.items()}
    except (ValueError, AttributeError):
        raise Failure(f"{path}: is not a state file", hint="remove it and boot again") from None


def write_memory(path: str, memory: dict[str, Memory]) -> None:
    """Remember for later stages."""
    write_private(path, json.dumps(memory).encode() + b"\n")
