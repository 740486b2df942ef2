"""Saves the boot state between the stages of one boot, in a private file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from provision.failures import Failure
from provision.planning.boot_state import BootState
from provision.system.private_files import read_private, write_private


class StateUnreadable(Failure):
    """The stage cannot begin: the file of the boot state cannot be used."""


IGNITIONS_NAMES = {"fetched_configs": "fetchedConfigs"}
"""Field -> its name in the file, where that is Ignition's, because programs of distributions read it."""


def read_state(path: str) -> BootState:
    """The state that earlier stages saved; an empty state if there is no file.

    Unknown names are ignored, because Ignition may have written the file. Raises StateUnreadable.
    """
    try:
        data = read_private(path)
    except Failure as failure:
        raise StateUnreadable(failure.message, hint=failure.hint) from failure
    if data is None:
        return BootState()
    try:
        saved = dict(json.loads(data))
        known = {name: _typed(name, saved[key]) for name in BootState._fields if (key := _key(name)) in saved}
    except (ValueError, TypeError):
        raise StateUnreadable(f"{path}: is not a state file", hint="remove it and boot again") from None
    return BootState(**known)


def write_state(path: str, state: BootState) -> None:
    """Save the whole state for later stages, in a file of mode 0600. Raises Failure."""
    saved = {_key(name): value for name, value in state._asdict().items()}
    write_private(path, json.dumps(saved, default=dict).encode() + b"\n")


def _key(field: str) -> str:
    return IGNITIONS_NAMES.get(field, field)


def _typed(name: str, value: object) -> Any:
    """A value of the file, converted to the type of the field. Raises TypeError for a value of another type."""
    default = BootState._field_defaults[name]
    if name == "fetched_configs" and value is None:
        return ()
    if name == "fetched_configs" and isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return tuple(value)
    if isinstance(default, tuple) and isinstance(value, list) and _are_texts(value):
        return tuple(value)
    if isinstance(default, str | bool) and type(value) is type(default):
        return value
    if not isinstance(default, str | bool | tuple) and isinstance(value, dict) and _are_texts(value.values()):
        return value
    raise TypeError(name)


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)
