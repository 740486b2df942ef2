"""Who takes which device: what two entries of the config want for themselves is refused before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.config.format import Config
from provision.planning.device_names import partition_name
from provision.planning.machine_view import Device, Observe
from provision.stages.disks.devices import formatted


class Claim(NamedTuple):
    """A place of the config that wants a device, by the name it has there; `parts` are wanted with the whole."""

    where: str
    name: str
    parts: bool = True


def claimed_twice(config: Config, observe: Observe) -> Iterator[str]:
    """Reasons to refuse devices wanted twice, be it by two names; those that are not there yet do not count."""
    found = [(claim, observe.device(claim.name)) for claim in _claims(config)]
    claimed = [(claim, device) for claim, device in found if device is not None]
    first: dict[str, Claim] = {}
    for claim, device in claimed:
        other = first.setdefault(device.name, claim)
        if other is not claim and (claim.parts or other.parts):
            yield f"{claim.where}: {claim.name} is taken by {other.where} already"
    for claim, device in claimed:
        for other, whole in claimed:
            if other.parts and _is_part(device, whole, observe):
                yield f"{claim.where}: {claim.name} is part of {other.name}, which is taken by {other.where}"


def _claims(config: Config) -> Iterator[Claim]:
    storage = config.storage
    for index, disk in enumerate(storage.disks):
        if any(one.should_exist is not False for one in disk.partitions):
            yield Claim(f"storage.disks[{index}]", disk.device, parts=False)
    for index, array in enumerate(storage.raid):
        yield from (
            Claim(f"storage.raid[{index}].devices[{member}]", name) for member, name in enumerate(array.devices)
        )
    for index, volume in enumerate(storage.luks):
        yield from [Claim(f"storage.luks[{index}]", volume.device)] if volume.device else []
    yield from (Claim(where, entry.device) for where, entry in formatted(config))


def _is_part(part: Device, whole: Device, observe: Observe) -> bool:
    """Whether a device is a partition of another; the names say it, but for mappings, which may be called anything."""
    name = part.mapper if whole.mapper else part.name
    number = name[len(name.rstrip("0123456789")) :]
    if not number or not name.startswith(whole.mapper or whole.name):
        return False
    there = observe.device(partition_name(whole, int(number)))
    return (
        there is not None
        and there.name == part.name != whole.name
        and any(one.number == int(number) for one in observe.table(whole.name).partitions)
    )
