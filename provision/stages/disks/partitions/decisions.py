"""Partitioning: what to do with every partition of the config, and the one table that each disk gets.

The decisions are those of the reference implementation (`internal/exec/stages/disks/partitions.go`), its words too.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from provision.config import format as config
from provision.failures import PlanRefused
from provision.planning.actions import Action, Keep, Wave, WriteTable
from provision.planning.descriptions import called, size_text
from provision.planning.device_names import partition_name
from provision.planning.machine_view import Observe, Partition, Table
from provision.stages.disks.devices import Found, ambiguous_names, awaited, missing_device, with_sure_facts
from provision.stages.disks.partitions import new_table as tables
from provision.stages.disks.partitions.desired import DiskAsk, Impossible, PartitionAsk, disk_of, resolve

LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
"""The type of a partition whose type the config leaves open: "Linux filesystem data", as sgdisk has it."""


class Verb(Enum):
    """What becomes of a partition."""

    NOTHING = "leave out"
    KEEP = "keep"
    CREATE = "create"
    DELETE = "delete"
    REPLACE = "replace"
    RESIZE = "resize"
    REFUSE = "refuse"

    @property
    def changes(self) -> bool:
        """Whether it takes a new table."""
        return self in {Verb.CREATE, Verb.DELETE, Verb.REPLACE, Verb.RESIZE}


MATRIX: dict[tuple[bool | None, ...], Verb] = {
    # there, shouldExist, wipePartitionEntry, as asked for
    (False, False, None, None): Verb.NOTHING,
    (False, True, None, None): Verb.CREATE,
    (True, False, False, None): Verb.REFUSE,
    (True, False, True, None): Verb.DELETE,
    (True, True, None, True): Verb.KEEP,
    (True, True, False, False): Verb.RESIZE,  # if that is allowed, and all that it takes
    (True, True, True, False): Verb.REPLACE,
}
"""The reference implementation's decisions; None stands for both."""


class Decision(NamedTuple):
    """What is decided about one partition."""

    verb: Verb
    ask: PartitionAsk
    before: Partition | None = None
    after: Partition | None = None


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
            decisions, why = _judge(disk, observe)
            planned = list(_actions(disk, decisions, conf, observe))
            reasons += [*why, *_unwritable(disk, planned)]
            actions += planned
    reasons += ambiguous_names(actions, conf, observe)
    if reasons:
        raise PlanRefused(reasons)
    return tuple(actions), later


def _unwritable(disk: DiskAsk, planned: list[Action]) -> Iterator[str]:
    if disk.device.read_only and any(isinstance(action, WriteTable) for action in planned):
        yield f"{disk.where}: {disk.name} is read-only"


def _judge(disk: DiskAsk, observe: Observe) -> tuple[list[Decision], list[str]]:
    """The decisions about a disk's partitions, and the reasons to refuse."""
    active = [one.number for one in disk.found.partitions if _in_use(observe, partition_name(disk.device, one.number))]
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
    made = {ask.number for ask in resolved if ask.exists}
    decisions, reasons = [], []
    for ask in (ask for ask in resolved if ask.exists or ask.number not in made):
        try:
            decision = _decide(ask, disk.table)
        except Impossible as reason:
            reasons.append(str(reason))
            continue
        decisions.append(decision)
        if decision.verb.changes and ask.number in active:
            reasons.append(f"{ask.where}: refusing to modify active partition {ask.number} on {disk.name}")
    return decisions, reasons


def _in_use(observe: Observe, name: str) -> bool:
    device = observe.device(name)
    return device is not None and bool(device.in_use)


def _numbers(active: list[int]) -> str:
    return "partition " + ", ".join(str(number) for number in active)


def _decide(ask: PartitionAsk, table: Table) -> Decision:
    before = next((one for one in table.partitions if one.number == ask.number), None)
    why = _difference(ask, before) if before is not None else ""
    verb = verb_of(before is not None, ask.exists, ask.replace, not why)
    if verb is Verb.REFUSE:
        what = f"partition {ask.number} exists but is specified as nonexistant and wipePartitionEntry is false"
        raise Impossible(f"{ask.where}: {what}")
    if verb is Verb.RESIZE and not (ask.resize and why.startswith("size")):
        remedy = "resize would change it" if why.startswith("size") else "wipePartitionEntry would replace it"
        raise Impossible(f"{ask.where}: partition {ask.number} didn't match: {why}; {remedy}")
    return Decision(verb, ask, before, _after(verb, ask, before))


def verb_of(*state: bool) -> Verb:
    """The decision of the matrix."""
    return next(
        verb
        for row, verb in MATRIX.items()
        if all(wanted in {None, found} for wanted, found in zip(row, state, strict=True))
    )


def _after(verb: Verb, ask: PartitionAsk, before: Partition | None) -> Partition | None:
    if verb is Verb.KEEP:
        return before
    if verb is Verb.RESIZE and before is not None:
        return before._replace(size=ask.size or 0)
    return _made(ask) if verb in {Verb.CREATE, Verb.REPLACE} else None


def _difference(ask: PartitionAsk, found: Partition) -> str:
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


def _made(ask: PartitionAsk) -> Partition:
    return Partition(
        ask.number, ask.start or 0, ask.size or 0, ask.type or LINUX_DATA, ask.chosen, label=ask.label or ""
    )


def _actions(disk: DiskAsk, decisions: list[Decision], conf: config.Config, observe: Observe) -> Iterator[Action]:
    """One write if anything changes; what stays is told too."""
    for decision in decisions:
        if decision.verb is Verb.KEEP:
            what = f"{called(decision.ask.number, decision.after.label if decision.after else None)} of {disk.name}"
            yield Keep(what, "it is as the config wants it", decision.ask.where)
    changes = [decision for decision in decisions if decision.verb.changes]
    if not changes and not (disk.erase and _holds_something(disk, observe)):
        return
    gone = {decision.ask.number for decision in changes}
    kept = [partition for partition in disk.table.partitions if partition.number not in gone]
    made = [decision.after for decision in changes if decision.after is not None]
    table = disk.table._replace(partitions=tuple(sorted((*kept, *made))))
    stale = tables.stale_members(disk, table, conf, observe)
    yield WriteTable(
        device=disk.device.name,
        table=table if table.partitions or not disk.erase else Table("", sector=disk.device.sector),
        facts=tuple({fact[:2]: fact for fact in tables.facts(disk, table, stale, observe)}.values()),
        erase=disk.erase,
        title=_title(disk, changes),
        reason=disk.where,
        clear=stale,
        loses=", ".join(tables.losses(disk, table, stale, observe)),
    )


def _holds_something(disk: DiskAsk, observe: Observe) -> bool:
    return bool(disk.found.kind or disk.found.remains or observe.signature(disk.device.name).type)


def _title(disk: DiskAsk, changes: list[Decision]) -> str:
    words = [_decision_text(decision, disk) for decision in changes]
    verb = "wipe and partition" if disk.erase and words else "wipe the table of" if disk.erase else "partition"
    return f"{verb} {disk.name}" + (": " + ", ".join(words) if words else "")


def _decision_text(decision: Decision, disk: DiskAsk) -> str:
    partition = decision.after or decision.before
    text = f"{decision.verb.value} {called(decision.ask.number, partition.label if partition else None)}"
    if decision.after is None:
        return text
    rest = disk.device.assumed and decision.after.start + decision.after.size > disk.table.last
    return f"{text} ({'the rest' if rest else size_text(decision.after.size * disk.table.sector)})"
