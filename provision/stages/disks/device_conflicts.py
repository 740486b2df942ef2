"""Conflicts over devices: two entries of the config that want the same device are refused before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.config.format import Config
from provision.config.problems import Path, Problem, dotted
from provision.planning.device_names import partition_name
from provision.planning.machine_view import Device, MachineView
from provision.stages.disks.devices import formatted


class DeviceUse(NamedTuple):
    """A place of the config that uses a device, and its name there. With `parts`, its partitions are used, too."""

    config_path: Path
    name: str
    parts: bool = True


def conflicts(config: Config, view: MachineView) -> Iterator[Problem]:
    """Devices that two entries use, also under two names. Devices that are not there yet are left out."""
    found = [(use, view.device(use.name)) for use in _uses(config)]
    taken = [(use, device) for use, device in found if device is not None]
    first: dict[str, DeviceUse] = {}
    for use, device in taken:
        other = first.setdefault(device.name, use)
        if other is not use and (use.parts or other.parts):
            yield Problem(
                use.config_path, f"{use.name} is already used by {dotted(other.config_path)}", rule="device-used-twice"
            )
    for use, device in taken:
        for other, whole in taken:
            if other.parts and _is_part(device, whole, view):
                whole_path = dotted(other.config_path)
                yield Problem(
                    use.config_path,
                    f"{use.name} is part of {other.name}, which is used by {whole_path}",
                    rule="device-used-twice",
                )


def _uses(config: Config) -> Iterator[DeviceUse]:
    storage = config.storage
    for index, disk in enumerate(storage.disks):
        if any(one.should_exist is not False for one in disk.partitions):
            yield DeviceUse(("storage", "disks", index), disk.device, parts=False)
    for index, array in enumerate(storage.raid):
        yield from (
            DeviceUse(("storage", "raid", index, "devices", member), name) for member, name in enumerate(array.devices)
        )
    for index, volume in enumerate(storage.luks):
        yield from [DeviceUse(("storage", "luks", index), volume.device)] if volume.device else []
    yield from (DeviceUse(config_path, entry.device) for config_path, entry in formatted(config))


def _is_part(part: Device, whole: Device, view: MachineView) -> bool:
    """Whether a device is a partition of another, by its name; for mappings, whose names are free, by the table."""
    name = part.mapper if whole.mapper else part.name
    number = name[len(name.rstrip("0123456789")) :]
    if not number or not name.startswith(whole.mapper or whole.name):
        return False
    there = view.device(partition_name(whole, int(number)))
    return (
        there is not None
        and there.name == part.name != whole.name
        and any(one.number == int(number) for one in view.table(whole.name).partitions)
    )
