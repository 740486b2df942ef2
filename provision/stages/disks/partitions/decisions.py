"""Partitioning: what to do with every partition of the config, and the one table that each disk gets.

The decisions and their messages are Ignition's (`internal/exec/stages/disks/partitions.go`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from provision.config.format import Config, Disk
from provision.config.problems import Problem
from provision.failures import PlanRefused
from provision.planning.actions import Action, Keep, Wave, WritePartitionTable
from provision.planning.descriptions import called, size_text
from provision.planning.device_names import partition_name
from provision.planning.machine_view import MachineView, PartitionEntry, PartitionTable
from provision.stages.disks.devices import DevicesByName, ambiguous_names, missing_device, wait_for, with_certain_facts
from provision.stages.disks.partitions import new_table
from provision.stages.disks.partitions.desired import DesiredDisk, DesiredPartition, disk_of, resolve_partitions
from provision.stages.disks.partitions.layout import PHYSICAL_SECTOR, is_aligned
from provision.stages.disks.wipe_action import holds_something

LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
"""The type of a partition whose type the config leaves open: "Linux filesystem data", the default of sgdisk."""


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
        """Whether it needs a new table."""
        return self in {Verb.CREATE, Verb.DELETE, Verb.REPLACE, Verb.RESIZE}


MATRIX: dict[tuple[bool | None, ...], Verb] = {
    # exists, shouldExist, wipePartitionEntry, matches the config
    (False, False, None, None): Verb.NOTHING,
    (False, True, None, None): Verb.CREATE,
    (True, False, False, None): Verb.REFUSE,
    (True, False, True, None): Verb.DELETE,
    (True, True, None, True): Verb.KEEP,
    (True, True, False, False): Verb.RESIZE,  # if `resize` is set and only the size differs
    (True, True, True, False): Verb.REPLACE,
}
"""Ignition's decisions; None stands for both values."""


class Decision(NamedTuple):
    """What is decided about one partition."""

    verb: Verb
    desired: DesiredPartition
    before: PartitionEntry | None = None
    after: PartitionEntry | None = None


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """Write the tables that have to change, all side by side. Raises PlanRefused with every reason."""
    entries = list(enumerate(config.storage.disks))
    found = yield from wait_for((disk.device for _, disk in entries), view, ("storage", "disks"))
    while entries:
        wave, later = _next_wave(entries, found, config, view)
        if wave:
            yield with_certain_facts(wave, config)
        entries = later


def _next_wave(
    entries: list[tuple[int, Disk]], found: DevicesByName, config: Config, view: MachineView
) -> tuple[Wave, list[tuple[int, Disk]]]:
    """The actions on distinct disks, and the entries that name one of these disks again."""
    problems: list[Problem] = []
    actions: list[Action] = []
    later: list[tuple[int, Disk]] = []
    seen: set[str] = set()
    for index, entry in entries:
        config_path, device = ("storage", "disks", index), found.get(entry.device)
        if device is None:
            problems.append(missing_device(config_path, entry.device))
        elif device.name in seen:
            later.append((index, entry))
        else:
            seen.add(device.name)
            disk = disk_of(config_path, entry, device, view)
            decisions, why = _decisions_of(disk, view)
            planned = list(_actions(disk, decisions, config, view))
            problems += [*why, *_unwritable(disk, planned)]
            actions += planned
    problems += ambiguous_names(actions, config, view)
    if problems:
        raise PlanRefused(problems)
    return tuple(actions), later


def _unwritable(disk: DesiredDisk, planned: list[Action]) -> Iterator[Problem]:
    if disk.device.read_only and any(isinstance(action, WritePartitionTable) for action in planned):
        yield Problem(disk.config_path, f"{disk.name} is read-only", rule="read-only-device")


def _decisions_of(disk: DesiredDisk, view: MachineView) -> tuple[list[Decision], Sequence[Problem]]:
    """The decisions about a disk's partitions, and the reasons to refuse."""
    active = [one.number for one in disk.found.partitions if _in_use(view, partition_name(disk.device, one.number))]
    if disk.device.in_use and not active:
        return [], [
            Problem(
                disk.config_path,
                f"refusing to operate on directly active disk {disk.name} ({disk.device.in_use})",
                rule="device-in-use",
            )
        ]
    if disk.erase and active:
        return [], [
            Problem(
                disk.config_path,
                f"refusing to wipe active disk {disk.name} ({_numbers(active)} in use)",
                rule="device-in-use",
            )
        ]
    if disk.table.kind != "gpt":
        what = f"disk does not have a GPT, but a table of kind {disk.table.kind}: {disk.name}"
        return [], [Problem(disk.config_path, f"{what} (only wipeTable can replace it)", rule="unsupported-table")]
    try:
        resolved = resolve_partitions(disk)
    except PlanRefused as refused:
        return [], refused.problems
    made = {desired.number for desired in resolved if desired.exists}
    decisions, problems = list[Decision](), list[Problem]()
    for desired in (desired for desired in resolved if desired.exists or desired.number not in made):
        try:
            decision = _decide(desired, disk.table)
        except PlanRefused as refused:
            problems += refused.problems
            continue
        decisions.append(decision)
        if decision.verb.changes and desired.number in active:
            problems.append(
                Problem(
                    desired.config_path,
                    f"refusing to modify active partition {desired.number} on {disk.name}",
                    rule="device-in-use",
                )
            )
    return decisions, problems


def _in_use(view: MachineView, name: str) -> bool:
    device = view.device(name)
    return device is not None and bool(device.in_use)


def _numbers(active: list[int]) -> str:
    return "partition " + ", ".join(str(number) for number in active)


def _decide(desired: DesiredPartition, table: PartitionTable) -> Decision:
    before = next((one for one in table.partitions if one.number == desired.number), None)
    why = _difference(desired, before) if before is not None else ""
    verb = verb_of(before is not None, desired.exists, desired.replace, not why)
    if verb is Verb.REFUSE:
        what = f"partition {desired.number} exists but is specified as nonexistant and wipePartitionEntry is false"
        raise PlanRefused([Problem(desired.config_path, what, rule="existing-partition")])
    if verb is Verb.RESIZE and not (desired.resize and why.startswith("size")):
        remedy = "resize would change it" if why.startswith("size") else "wipePartitionEntry would replace it"
        raise PlanRefused(
            [
                Problem(
                    desired.config_path,
                    f"partition {desired.number} didn't match: {why}",
                    hint=remedy,
                    rule="existing-partition",
                )
            ]
        )
    return Decision(verb, desired, before, _after(verb, desired, before))


def verb_of(*state: bool) -> Verb:
    """The decision of the matrix for one partition."""
    return next(
        verb
        for row, verb in MATRIX.items()
        if all(wanted in {None, found} for wanted, found in zip(row, state, strict=True))
    )


def _after(verb: Verb, desired: DesiredPartition, before: PartitionEntry | None) -> PartitionEntry | None:
    if verb is Verb.KEEP:
        return before
    if verb is Verb.RESIZE and before is not None:
        return before._replace(size=desired.size or 0)
    return _made(desired) if verb in {Verb.CREATE, Verb.REPLACE} else None


def _difference(desired: DesiredPartition, found: PartitionEntry) -> str:
    """The first part that differs. The size comes last, so that it is the only difference if it is named."""
    if desired.start != found.start:
        return f"starting sector did not match (specified {desired.start}, got {found.start})"
    if desired.guid and desired.guid != found.guid:
        return f'GUID did not match (specified "{desired.guid}", got "{found.guid}")'
    if desired.type and desired.type != found.type:
        return f'type GUID did not match (specified "{desired.type}", got "{found.type}")'
    if desired.label is not None and desired.label != found.label:
        return f'label did not match (specified "{desired.label}", got "{found.label}")'
    if desired.size != found.size:
        return f"size did not match (specified {desired.size}, got {found.size})"
    return ""


def _made(desired: DesiredPartition) -> PartitionEntry:
    return PartitionEntry(
        desired.number,
        desired.start or 0,
        desired.size or 0,
        desired.type or LINUX_DATA,
        desired.chosen,
        label=desired.label or "",
    )


def _actions(disk: DesiredDisk, decisions: list[Decision], config: Config, view: MachineView) -> Iterator[Action]:
    """One write of the table if anything changes, and one `Keep` for each partition that stays."""
    for decision in decisions:
        if decision.verb is Verb.KEEP:
            what = f"{called(decision.desired.number, decision.after.label if decision.after else None)} of {disk.name}"
            yield Keep(what, "it already matches the config", decision.desired.config_path)
    changes = [decision for decision in decisions if decision.verb.changes]
    if not changes and not (disk.erase and (disk.found.remains or holds_something(disk.device, view))):
        return
    gone = {decision.desired.number for decision in changes}
    kept = [partition for partition in disk.table.partitions if partition.number not in gone]
    made = [decision.after for decision in changes if decision.after is not None]
    table = disk.table._replace(partitions=tuple(sorted((*kept, *made))))
    stale = new_table.stale_members(disk, table, config, view)
    yield WritePartitionTable(
        device=disk.device.name,
        table=table if table.partitions or not disk.erase else PartitionTable("", sector=disk.device.sector),
        facts=tuple({fact[:2]: fact for fact in new_table.facts(disk, table, stale, view)}.values()),
        erase=disk.erase,
        title=_title(disk, changes),
        config_path=disk.config_path,
        clear=stale,
        destroys=", ".join(new_table.data_loss(disk, table, stale, view)),
    )


def _title(disk: DesiredDisk, changes: list[Decision]) -> str:
    words = [_decision_text(decision, disk) for decision in changes]
    verb = "wipe and partition" if disk.erase and words else "wipe the table of" if disk.erase else "partition"
    return f"{verb} {disk.name}" + (": " + ", ".join(words) if words else "")


def _decision_text(decision: Decision, disk: DesiredDisk) -> str:
    partition = decision.after or decision.before
    text = f"{decision.verb.value} {called(decision.desired.number, partition.label if partition else None)}"
    if decision.after is None:
        return text
    rest = disk.device.assumed and decision.after.start + decision.after.size > disk.table.last
    size = "the rest" if rest else size_text(decision.after.size * disk.table.sector)
    return f"{text} ({size}{_alignment_text(decision, disk)})"


def _alignment_text(decision: Decision, disk: DesiredDisk) -> str:
    """A note about a new partition that will be slow; empty for one that begins at a physical sector."""
    if decision.verb is Verb.RESIZE or decision.after is None or is_aligned(decision.after.start, disk.table.sector):
        return ""
    return f", not aligned to {PHYSICAL_SECTOR} bytes, which most disks write slowly: set start_mib"
