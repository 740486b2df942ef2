"""What the parts of the disks stage share: waiting for devices, their names, the UUIDs a plan chooses, what is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping

from provision.actions import Action, Await, DeviceName, Run, Wave, WriteTable
from provision.config.format import Config, Filesystem
from provision.device_names import SHARED, partition_name
from provision.memory import SEED, text
from provision.observe import Device, Fact, Observe, Partition, Signature, Table

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")

MEMBER = "linux_raid_member"
"""What blkid calls the signature of a member of an array."""

MEMBER = "linux_raid_member"
"""What blkid calls the signature of a device that belongs to an array of md."""

WITHOUT_DEVICE = {"virtiofs"}
"""Formats whose device is a tag, and no block device."""

Found = dict[str, Device]
"""The devices that a sub-step works on, by the names that the config gives them."""


def formatted(config: Config) -> list[tuple[str, Filesystem]]:
    """The file systems of the config that have to be on a block device, each with its place."""
    return [
        (f"storage.filesystems[{index}]", entry)
        for index, entry in enumerate(config.storage.filesystems)
        if entry.format is not None and entry.format not in WITHOUT_DEVICE
    ]


def awaited(names: Iterable[str], observe: Observe, reason: str) -> Generator[Wave, None, Found]:
    """Wait for the devices that are not there yet, then look again; those that did not come are left out."""
    names = tuple(dict.fromkeys(names))
    missing = tuple(name for name in names if observe.device(name) is None)
    if missing:
        yield (Await(missing, reason),)
    found = {name: observe.device(name) for name in names}
    return {name: device for name, device in found.items() if device is not None}


def missing_device(where: str, name: str) -> str:
    """The reason to refuse a device that did not come."""
    return f"{where}: there is no device {name}"


def unwritable(where: str, device: Device, name: str) -> Iterator[str]:
    """Reasons not to write to a device that the config calls `name`."""
    if device.in_use:
        yield f"{where}: refusing to write to active device {name} ({device.in_use})"
    if device.read_only:
        yield f"{where}: {name} is read-only"


def missing_tools(tools: Iterable[str], observe: Observe, where: str) -> list[str]:
    """Reasons for programs that a step needs and that are not on PATH."""
    return [f"{where}: {tool} is needed and not on PATH" for tool in tools if observe.tool(tool) is None]


def chosen_uuid(observe: Observe, purpose: str, name: str) -> str:
    """A UUID (lower-case) for what the config leaves open: the same in every plan of one provisioning.

    It follows from the seed that the run was started with, so that what was made in an interrupted run is recognised.
    """
    from uuid import NAMESPACE_OID, uuid5

    seed = text(observe, SEED)
    if not seed:
        raise TypeError("a run is started with a seed, which says which UUIDs a plan chooses")
    return str(uuid5(NAMESPACE_OID, f"{seed}\0{purpose}\0{name}"))


def with_sure_facts(wave: Wave, config: Config) -> Wave:
    """The wave without facts about what udev's links for labels and UUIDs show, where that is open or does not matter.

    It is open where two actions claim a link, and another disk may have the same label; that matters only for links
    that the config names.
    """
    named = _named(config)
    claims = Counter(name for action in wave for name in {fact.name for fact in action.effect()})
    return tuple(
        action._replace(facts=tuple(fact for fact in action.facts if _is_sure(fact.name, claims, named)))
        if isinstance(action, Run | WriteTable)
        else action
        for action in wave
    )


def ambiguous_names(actions: Iterable[Action], config: Config, observe: Observe) -> Iterator[str]:
    """The names of the config that would lead to several devices; which one is udev's choice then, or luck."""
    facts = [fact for action in actions for fact in action.effect() if fact.kind == "device"]
    changed = {fact.name for fact in facts}
    for name in sorted(name for name in _named(config) if name.startswith(SHARED)):
        leads_to = {fact.value.name for fact in facts if fact.name == name and isinstance(fact.value, Device)}
        there = observe.device(name) if leads_to else None
        leads_to |= {there.name} if there is not None and there.name not in changed else set()
        if len(leads_to) > 1:
            yield f"{name} would lead to {' and '.join(sorted(leads_to))}: let only one of them have that label"


def _is_sure(name: str, claims: Mapping[str, int], named: frozenset[str]) -> bool:
    return not name.startswith(SHARED) or (name in named and claims[name] == 1)


def _named(config: Config) -> frozenset[str]:
    """The devices that the config names."""
    storage = config.storage
    return frozenset(
        [
            *(disk.device for disk in storage.disks),
            *(name for array in storage.raid for name in array.devices),
            *(volume.device or "" for volume in storage.luks),
            *(filesystem.device for filesystem in storage.filesystems),
        ]
    )


def holds_something(device: Device, observe: Observe) -> bool:
    """Whether there is a signature or a partition table to wipe."""
    return bool(observe.signature(device.name).type or observe.table(device.name).kind)


def wipe(device: Device, name: str, where: str, observe: Observe, *, half_made: bool = False) -> Run:
    """Erase every signature and table of a device that the config calls `name`; what is `half_made` is no loss."""
    return Run(
        title=f"wipe {name}" + (", where an interrupted run left off" if half_made else ""),
        argv=("wipefs", "-a", DeviceName(device.name)),
        on=frozenset({device.name}),
        facts=(
            Fact("signature", device.name, Signature()),
            Fact("table", device.name, Table("", sector=device.sector, remains=None)),
            Fact("volume", device.name, None),
        ),
        reason=where,
        loses="" if half_made else contents_text(device, observe),
    )


def contents_text(device: Device, observe: Observe) -> str:
    """What would be lost with all that is on a device; empty if nothing is."""
    table = observe.table(device.name)
    texts = [
        signature_text(observe.signature(device.name), device.size),
        f"a {table.kind} table" if table.kind else "",
        *(partition_text(one, table.sector, _held(device, one, observe)) for one in table.partitions),
    ]
    return ", ".join(filter(None, texts))


def _held(disk: Device, partition: Partition, observe: Observe) -> Signature:
    device = observe.device(partition_name(disk, partition.number))
    return observe.signature(device.name) if device is not None else Signature()


def partition_text(partition: Partition, sector: int, held: Signature) -> str:
    """A partition that would be lost: `partition 2 'data' with ext4 'd' (20 GiB)`."""
    size = partition.size * sector
    return called(partition.number, partition.label) + (
        f" with {signature_text(held, size)}" if held.type else f" ({size_text(size)})"
    )


def called(number: int, label: str | None) -> str:
    """A partition in words; number 0 is one that is still open."""
    return f"partition {number or 'of the next free number'}" + (f" '{label}'" if label else "")


def size_text(size: int) -> str:
    """A size in bytes as people read it: `20 GiB`, `1.5 GiB`."""
    number, unit = float(size), 0
    while number >= 1024 and unit < len(UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.1f}".removesuffix(".0") + f" {UNITS[unit]}"


def signature_text(signature: Signature, size: int) -> str:
    """What would be lost with a signature: `ext4 'data' (20 GiB)`; empty if there is none."""
    if not signature.type:
        return ""
    label = f" '{signature.label}'" if signature.label else ""
    return f"{signature.type}{label} ({size_text(size)})"
