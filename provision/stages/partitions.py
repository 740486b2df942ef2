"""Partitioning: what to do with every partition of the config, and the one table that each disk gets.

The decisions are those of the reference implementation (`internal/exec/stages/disks/partitions.go`), its words too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.actions import Action, Keep, Wave, WriteTable
from provision.config import format as config
from provision.failures import PlanRefused
from provision.observe import UNPROTECTED, Device, Fact, Observe, Partition, Signature, Table
from provision.stages import layout
from provision.stages.devices import (
    Found,
    ambiguous_names,
    awaited,
    called,
    chosen_uuid,
    contents_text,
    link,
    missing_device,
    partition_aliases,
    partition_name,
    partition_text,
    size_text,
    with_sure_facts,
)

LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
"""The type of a partition whose type the config leaves open: "Linux filesystem data", as sgdisk has it."""

HINT = "nothing was changed; wipePartitionEntry or wipeTable allow to replace what is there"


class Ask(NamedTuple):
    """A partition as the config asks for it, in sectors; `start` and `size` None, and empty texts, are left open."""

    where: str
    number: int
    start: int | None
    size: int | None
    label: str | None
    guid: str
    type: str
    exists: bool
    resize: bool
    replace: bool
    chosen: str


class Step(NamedTuple):
    """What is decided about one partition: `keep`, `create`, `delete`, `replace`, `resize`, or nothing (empty)."""

    verb: str
    ask: Ask
    number: int
    before: Partition | None = None
    after: Partition | None = None


class Disk(NamedTuple):
    """A disk of the config with what is on it; `table` is what to start from (blank where there is none)."""

    where: str
    name: str
    device: Device
    erase: bool
    found: Table
    table: Table
    asks: tuple[Ask, ...]


class Impossible(Exception):
    """Why a partition cannot be had."""


def plan(conf: config.Config, observe: Observe) -> Iterator[Wave]:
    """Write the tables that have to change, all side by side. Raises PlanRefused with every reason."""
    entries = list(enumerate(conf.storage.disks))
    found = yield from awaited((disk.device for _, disk in entries), observe, "storage.disks")
    while entries:
        wave, later = _next_wave(entries, found, conf, observe)
        if wave:
            yield with_sure_facts(wave, conf)
        entries = later


def _next_wave(
    entries: list[tuple[int, config.Disk]], found: Found, conf: config.Config, observe: Observe
) -> tuple[Wave, list[tuple[int, config.Disk]]]:
    """The actions on distinct disks, and the entries that name one of these disks again."""
    reasons: list[str] = []
    actions: list[Action] = []
    later: list[tuple[int, config.Disk]] = []
    seen: set[str] = set()
    for index, entry in entries:
        where, device = f"storage.disks[{index}]", found.get(entry.device)
        if device is None:
            reasons.append(missing_device(where, entry.device))
        elif device.name in seen:
            later.append((index, entry))
        else:
            seen.add(device.name)
            disk = disk_of(where, entry, device, observe)
            steps, why = _judge(disk, observe)
            reasons += why
            actions += _actions(disk, steps, observe)
    reasons += ambiguous_names(actions, conf, observe)
    if reasons:
        raise PlanRefused(reasons, hint=HINT)
    return tuple(actions), later


def disk_of(where: str, entry: config.Disk, device: Device, observe: Observe) -> Disk:
    """A disk of the config with what is on it, its partitions in the order in which they are placed."""
    found = observe.table(device.name)
    guid = chosen_uuid(observe, "disk", entry.device).upper()
    ours = found.kind == UNPROTECTED and found.guid == guid  # an earlier run did not get to the end of writing it
    fresh = bool(entry.wipe_table) or not found.kind or ours
    table = layout.blank_table(device, guid) if fresh else found
    numbered_first = sorted(enumerate(entry.partitions), key=lambda one: one[1].number == 0)
    asks = tuple(
        _ask(f"{where}.partitions[{index}]", partition, entry.device, table, observe)
        for index, partition in numbered_first
    )
    return Disk(where, entry.device, device, bool(entry.wipe_table), found, table, asks)


def _ask(where: str, wanted: config.Partition, disk: str, table: Table, observe: Observe) -> Ask:
    sectors = layout.MEBIBYTE // table.sector
    guid = (wanted.guid or "").upper()
    chosen = guid or chosen_uuid(observe, "partition", f"{disk}:{wanted.number}:{wanted.label}").upper()
    start = None if wanted.start_mib is None else wanted.start_mib * sectors
    size = None if wanted.size_mib is None else wanted.size_mib * sectors
    ours = None if wanted.number else next((one for one in table.partitions if one.guid == chosen), None)
    if ours is not None:  # made by an earlier run: what was left open is decided
        start, size = start or ours.start, size or ours.size
    return Ask(
        where=where,
        number=ours.number if ours else wanted.number,
        start=start,
        size=size,
        label=wanted.label,
        guid=guid,
        type=(wanted.type_guid or "").upper(),
        exists=wanted.should_exist is not False,
        resize=bool(wanted.resize),
        replace=bool(wanted.wipe_partition_entry),
        chosen=chosen,
    )


def _judge(disk: Disk, observe: Observe) -> tuple[list[Step], list[str]]:
    """The decisions about a disk's partitions, and the reasons to refuse."""
    active = [
        one.number for one in disk.found.partitions if (_in_use(observe, partition_name(disk.device, one.number)))
    ]
    if disk.device.in_use and not active:
        return [], [f"{disk.where}: refusing to operate on directly active disk {disk.name} ({disk.device.in_use})"]
    if disk.erase and active:
        return [], [f"{disk.where}: refusing to wipe active disk {disk.name} ({_numbers(active)} in use)"]
    if disk.table.kind != "gpt":
        what = f"disk does not have a GPT, but a table of kind {disk.table.kind}: {disk.name}"
        return [], [f"{disk.where}: {what} (only wipeTable can replace it)"]
    try:
        resolved = resolve(disk)
    except Impossible as reason:
        return [], [str(reason)]
    steps, reasons = [], []
    for ask in resolved:
        try:
            step = _decide(ask, resolved, disk.table)
        except Impossible as reason:
            reasons.append(str(reason))
            continue
        steps.append(step)
        if step.number in active and step.verb not in {"", "keep"}:
            reasons.append(f"{ask.where}: refusing to modify active partition {step.number} on {disk.name}")
    return steps, reasons


def _in_use(observe: Observe, name: str) -> bool:
    device = observe.device(name)
    return device is not None and bool(device.in_use)


def _numbers(active: list[int]) -> str:
    return "partition " + ", ".join(str(number) for number in active)


def resolve(disk: Disk) -> list[Ask]:
    """Every ask with its number, start and size filled in, as if all of them were made anew one after the other."""
    before = {partition.number: partition for partition in disk.table.partitions}
    asked = {ask.number for ask in disk.asks if ask.number}
    taken = [layout.extent(partition) for number, partition in before.items() if number not in asked]
    mine = {ask.chosen for ask in disk.asks if not ask.guid}  # an earlier run's must not change the alignment
    others = tuple(partition for partition in disk.table.partitions if partition.guid not in mine)
    space = layout.space(disk.table._replace(partitions=others), disk.device.size // disk.table.sector)
    used = (set(before) - asked) | {ask.number for ask in disk.asks if ask.exists}
    resolved = []
    for ask in disk.asks:
        if not ask.exists:
            resolved.append(ask)
            continue
        placed = _place(ask, before.get(ask.number), space, taken)
        taken.append(placed)
        number = ask.number or next(free for free in range(1, len(used) + 2) if free not in used)
        used.add(number)
        if number > disk.table.entries:
            last = f"the last one is {disk.table.entries}"
            raise Impossible(f"{ask.where}: the table of {disk.name} has no partition {number}, {last}")
        resolved.append(ask._replace(number=number, start=placed.first, size=placed.size))
    return resolved


def _place(ask: Ask, before: Partition | None, space: layout.Space, taken: list[layout.Extent]) -> layout.Extent:
    """Left open means as it is now; where there is nothing, or it may be replaced, it means 0."""
    keeps = before is not None and not ask.replace
    start = before.start if before and keeps and ask.start is None else ask.start or 0
    size = before.size if before and keeps and ask.size is None else ask.size or 0
    placed = layout.place(space, taken, start, size)
    if placed is None:
        room = _room(list(layout.free_blocks(space, taken)), start)
        wanted = f"{size} sectors" if size else "the end of the largest free block"
        raise Impossible(
            f"{ask.where}: could not create {called(ask.number, ask.label)}: from "
            f"{f'sector {start}' if start else 'the largest free block'} there is no room for {wanted} ({room})"
        )
    return placed


def _room(blocks: list[layout.Extent], start: int) -> str:
    if not start:
        return f"the largest free block has {max((block.size for block in blocks), default=0)} sectors"
    free = next((block.last - start + 1 for block in blocks if block.first <= start <= block.last), 0)
    return f"{free} sectors are free there"


def _decide(ask: Ask, resolved: list[Ask], table: Table) -> Step:
    """The reference implementation's matrix of exists, shouldExist, wipePartitionEntry and matches."""
    before = next((one for one in table.partitions if one.number == ask.number), None)
    if not ask.exists:
        if before is None or any(other.exists and other.number == ask.number for other in resolved):
            return Step("", ask, ask.number)
        if not ask.replace:
            raise Impossible(
                f"{ask.where}: partition {ask.number} exists but is specified as nonexistant and "
                "wipePartitionEntry is false"
            )
        return Step("delete", ask, ask.number, before)
    if before is None:
        return Step("create", ask, ask.number, None, _made(ask))
    why = _difference(ask, before)
    if not why:
        return Step("keep", ask, ask.number, before, before)
    if ask.replace:
        return Step("replace", ask, ask.number, before, _made(ask))
    if ask.resize and why.startswith("size"):
        return Step("resize", ask, ask.number, before, before._replace(size=ask.size or 0))
    raise Impossible(f"{ask.where}: partition {ask.number} didn't match: {why}")


def _difference(ask: Ask, found: Partition) -> str:
    """The first part that is not as asked for; the size comes last, so that it is the only one if it is named."""
    if ask.start != found.start:
        return f"starting sector did not match (specified {ask.start}, got {found.start})"
    if ask.guid and ask.guid != found.guid:
        return f'GUID did not match (specified "{ask.guid}", got "{found.guid}")'
    if ask.type and ask.type != found.type:
        return f'type GUID did not match (specified "{ask.type}", got "{found.type}")'
    if ask.label is not None and ask.label != found.label:
        return f'label did not match (specified "{ask.label}", got "{found.label}")'
    if ask.size != found.size:
        return f"size did not match (specified {ask.size}, got {found.size})"
    return ""


def _made(ask: Ask) -> Partition:
    return Partition(
        ask.number, ask.start or 0, ask.size or 0, ask.type or LINUX_DATA, ask.chosen, label=ask.label or ""
    )


def _actions(disk: Disk, steps: list[Step], observe: Observe) -> Iterator[Action]:
    """One write if anything changes; what stays is told too."""
    for step in steps:
        if step.verb == "keep":
            what = f"{called(step.number, step.after.label if step.after else None)} of {disk.name}"
            yield Keep(what, "it is as the config wants it", step.ask.where)
    changes = [step for step in steps if step.verb not in {"", "keep"}]
    if not changes and not (disk.erase and _holds_something(disk, observe)):
        return
    gone = {step.number for step in changes}
    kept = [partition for partition in disk.table.partitions if partition.number not in gone]
    made = [step.after for step in changes if step.after is not None]
    table = disk.table._replace(partitions=tuple(sorted((*kept, *made))))
    yield WriteTable(
        device=disk.device.name,
        table=table if table.partitions or not disk.erase else Table("", sector=disk.device.sector),
        facts=tuple({fact[:2]: fact for fact in _facts(disk, table, observe)}.values()),
        erase=disk.erase,
        title=_title(disk, changes),
        reason=disk.where,
        loses=", ".join(_losses(disk, table, observe)),
    )


def _holds_something(disk: Disk, observe: Observe) -> bool:
    return bool(disk.found.kind or disk.found.remains or observe.signature(disk.device.name).type)


def _title(disk: Disk, changes: list[Step]) -> str:
    words = [_step_text(step, disk) for step in changes]
    verb = "wipe and partition" if disk.erase and words else "wipe the table of" if disk.erase else "partition"
    return f"{verb} {disk.name}" + (": " + ", ".join(words) if words else "")


def _step_text(step: Step, disk: Disk) -> str:
    partition = step.after or step.before
    text = f"{step.verb} {called(step.number, partition.label if partition else None)}"
    if step.after is None:
        return text
    rest = disk.device.assumed and step.after.start + step.after.size > disk.table.last
    return f"{text} ({'the rest' if rest else size_text(step.after.size * disk.table.sector)})"


def _facts(disk: Disk, table: Table, observe: Observe) -> Iterator[Fact]:
    """The devices that come, change or go. What a partition holds is decided by where it begins."""
    after = {partition.number: partition for partition in table.partitions}
    before = {partition.number: partition for partition in disk.found.partitions}
    for number, partition in before.items():
        if partition.guid != (after[number].guid if number in after else ""):
            yield Fact("device", link("by-partuuid", partition.guid.lower()), None)
        if number not in after:
            yield Fact("device", partition_name(disk.device, number), None)
    for number, partition in after.items():
        if disk.erase or partition != before.get(number):
            yield from _device_facts(disk, partition, observe)


def _device_facts(disk: Disk, partition: Partition, observe: Observe) -> Iterator[Fact]:
    device = Device(
        name=partition_name(disk.device, partition.number),
        size=partition.size * disk.table.sector,
        sector=disk.table.sector,
        assumed=disk.device.assumed or bool(disk.device.mapper),
    )
    names = [device.name, link("by-partuuid", partition.guid.lower())]
    names += [link("by-partlabel", partition.label)] if partition.label else []
    names += partition_aliases(disk.name, partition.number)
    yield from (Fact("device", name, device) for name in names)
    there = _signature_at(disk, partition.start, observe)
    if there.type:
        yield Fact("signature", device.name, there)


def _signature_at(disk: Disk, start: int, observe: Observe) -> Signature:
    """What a partition of the old table holds that began at this sector: writing a table leaves it there."""
    for partition in disk.found.partitions:
        device = observe.device(partition_name(disk.device, partition.number))
        if partition.start == start and device is not None and disk.found.sector == disk.table.sector:
            return observe.signature(device.name)
    return Signature()


def _losses(disk: Disk, table: Table, observe: Observe) -> Iterator[str]:
    """What cannot be reached any more, or not whole, under the new table."""
    if not disk.found.kind:
        on_disk = contents_text(disk.device, observe)
        yield from [on_disk] if on_disk else []
    sizes = {partition.start: partition.size for partition in table.partitions}
    for partition in disk.found.partitions:
        what = partition_text(partition, disk.table.sector, _signature_at(disk, partition.start, observe))
        if partition.start not in sizes:
            yield what
        elif sizes[partition.start] < partition.size:
            yield f"the end of {what}"
