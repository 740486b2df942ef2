"""RAID arrays: mdadm makes one after the other; an array that an interrupted run made is used again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.config.format import Config, Raid
from provision.config.problems import Path, Problem
from provision.failures import PlanRefused
from provision.planning.actions import Keep, RunProgram, Wave
from provision.planning.arguments import DeviceName
from provision.planning.facts import DeviceFact, Fact, SignatureFact
from provision.planning.machine_view import Device, MachineView, Signature
from provision.planning.uuids import chosen_uuid
from provision.stages.disks.device_conflicts import conflicts
from provision.stages.disks.devices import RAID_MEMBER, missing_device, missing_tools, unwritable, wait_for
from provision.stages.disks.wipe_action import contents_text, wipe

PARITY = {"raid1": -1, "1": -1, "mirror": -1, "raid4": 1, "4": 1, "raid5": 1, "5": 1, "raid6": 2, "6": 2}
"""How many members hold no data of their own; -1 means all but one."""

OWN_UUID = ("--uuid", "-u")
"""Options of mdadm that set the UUID of an array."""

_PORTABLE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_LONGEST = 32
"""Bytes that a superblock has for a name (`set_name` in Linux md_p.h)."""

NAME_HINT = f"use letters, digits and ._-, {_LONGEST} at most"


class Array(NamedTuple):
    """An array of the config; `device` is where it appears, `uuid` the one chosen for it."""

    config_path: Path
    entry: Raid
    device: str
    members: tuple[Device, ...]
    uuid: str


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """Create every array. Raises PlanRefused with every reason, before the first is made."""
    entries = [(("storage", "raid", index), entry) for index, entry in enumerate(config.storage.raid)]
    names = [name for _, entry in entries for name in entry.devices]
    devices = yield from wait_for(names, view, ("storage", "raid"))
    problems = [
        missing_device((*config_path, "devices", member), name)
        for config_path, entry in entries
        for member, name in enumerate(entry.devices)
        if name not in devices
    ]
    arrays = [
        _array(config_path, entry, tuple(devices[name] for name in entry.devices if name in devices), view)
        for config_path, entry in entries
    ]
    problems += conflicts(config, view) if entries else ()
    problems += [problem for array in arrays for problem in _refusals(array, view)]
    if problems:
        raise PlanRefused(problems)
    for array in arrays:
        yield from _waves(array, view)


def _array(config_path: Path, entry: Raid, members: tuple[Device, ...], view: MachineView) -> Array:
    device = entry.name if entry.name.startswith("/dev") else f"/dev/md/{entry.name}"
    return Array(config_path, entry, device, members, chosen_uuid(view, "raid", entry.name))


def _is_ours(array: Array, view: MachineView) -> bool:
    """Whether an earlier run made this array: all members carry the UUID chosen for it, which no other array has."""
    found = [view.signature(member.name) for member in array.members]
    return all(one.type == RAID_MEMBER and one.uuid == array.uuid for one in found)


def _refusals(array: Array, view: MachineView) -> Iterator[Problem]:
    if not _is_name(array.entry.name):
        yield Problem(
            (*array.config_path, "name"),
            f"{array.entry.name!r} is not a name for an array",
            hint=NAME_HINT,
            rule="array-name",
        )
    is_ours = _is_ours(array, view)
    wiping = () if is_ours or not _divided(array, view) else ("wipefs",)
    yield from missing_tools(("mdadm", *wiping), view, array.config_path)
    if is_ours:
        return
    there = view.device(array.device)
    if there is not None and not there.assumed:
        yield Problem(array.config_path, f"an array {array.device} exists already", rule="existing-array")
    for member in array.members:
        yield from unwritable((*array.config_path, "devices"), member, member.name)


def _is_name(name: str) -> bool:
    """Whether mdadm makes an array of exactly that name.

    Before 4.3 mdadm accepts more names, but cuts them at a blank or writes `_` for a comma; later releases refuse them.
    """
    number = name.removeprefix("/dev/md")
    if number != name and number.isascii() and number.isdecimal():
        return True
    plain = name.removeprefix("/dev/md/")
    return len(plain) <= _LONGEST and _PORTABLE.issuperset(plain) and plain not in {"", ".", ".."} and plain[0] != "-"


def _divided(array: Array, view: MachineView) -> list[Device]:
    """Members with a partition table: mdadm leaves a part of it, which other tools could read as a complete table."""
    return [member for member in array.members if view.table(member.name).kind]


def _waves(array: Array, view: MachineView) -> Iterator[Wave]:
    if not _is_ours(array, view):
        wipes: Wave = tuple(wipe(device, device.name, array.config_path, view) for device in _divided(array, view))
        yield from [wipes] if wipes else []
        yield (_create(array, view),)
    elif view.device(array.device) is not None:
        yield (Keep(f"array {array.device}", "this provisioning has made it already", array.config_path),)
    else:
        yield (_assemble(array),)


def _assemble(array: Array) -> RunProgram:
    return RunProgram(
        title=f"assemble {array.device}, which this provisioning has made already",
        argv=("mdadm", "--assemble", array.device, "--run", *_devices(array)),
        on=_touched(array),
        facts=(_comes(array),),
        config_path=array.config_path,
    )


def _create(array: Array, view: MachineView) -> RunProgram:
    entry = array.entry
    spares = entry.spares or 0
    named = any(option.split("=")[0] in OWN_UUID for option in entry.options)
    argv = (
        *("mdadm", "--create", array.device, "--force", "--run", "--homehost", "any"),
        *("--level", entry.level or ""),
        *("--raid-devices", str(len(entry.devices) - spares)),
        *(("--spare-devices", str(spares)) if spares > 0 else ()),
        *(() if named else ("--uuid", array.uuid)),
        *entry.options,
        *_devices(array),
    )
    member = Signature(RAID_MEMBER, None, None if entry.options else array.uuid)
    lost = [(contents_text(device, view), device.name) for device in array.members]
    return RunProgram(
        title=f"make {entry.level} array {array.device} of {', '.join(entry.devices)}",
        argv=argv,
        on=_touched(array),
        facts=(_comes(array), *(SignatureFact(device.name, member) for device in array.members)),
        config_path=array.config_path,
        destroys=", ".join(f"{what} on {name}" for what, name in lost if what),
    )


def _devices(array: Array) -> tuple[DeviceName, ...]:
    return tuple(DeviceName(member.name) for member in array.members)


def _touched(array: Array) -> frozenset[str]:
    return frozenset({array.device, *(member.name for member in array.members)})


def _comes(array: Array) -> Fact:
    """The array's device. Only its existence can be verified: mdadm decides its size, and the kernel its name."""
    active = len(array.members) - (array.entry.spares or 0)
    level = array.entry.level or ""
    lost = PARITY.get(level, 0)
    data = active // 2 if level in {"raid10", "10"} else 1 if lost < 0 else active - lost
    size = min((member.size for member in array.members), default=0) * max(data, 1)
    sector = max((member.sector for member in array.members), default=512)
    return DeviceFact(array.device, Device(array.device, size, sector, assumed=True))
