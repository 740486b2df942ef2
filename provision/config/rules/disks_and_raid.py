"""Rules about disks, their partitions, and software RAID arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.format import GUID_FORM, GUID_PATTERN, RAID_LEVELS, Disk, Partition, Raid
from provision.config.problems import Problem
from provision.config.rules.declare import (
    FILLED,
    NOT_ZERO,
    NUMBER,
    TEXT,
    any_of,
    has,
    never,
    required,
    rule,
    versioned_rule,
)
from provision.config.rules.files_and_links import ABSOLUTE_PATH, bad_path, choice_hint

MAX_PARTITION_LABEL = 36
WITHOUT_SPARES = frozenset({"linear", "raid0", "0", "stripe"})


@rule(Disk, schema=required("device", **ABSOLUTE_PATH))
def disk_has_a_device(disk: Disk) -> Iterator[Problem]:
    """A disk has the absolute path of its device. Without one its partitions are not compared."""
    if disk.device == "":
        yield Problem(("device",), "disk device is required")
    else:
        yield from bad_path(disk.device, "device")


@rule(Disk)
def partitions_differ(disk: Disk) -> Iterator[Problem]:
    """Partitions of a disk do not have the same number, other than 0, and do not overlap."""
    for message, index in (
        ("partition numbers collide", _colliding_number(disk.partitions)),
        ("partitions overlap", _overlapping(disk.partitions)),
    ):
        if index is not None and disk.device:
            yield Problem(("partitions", index), message)


@rule(Disk)
def partition_labels_differ(disk: Disk) -> Iterator[Problem]:
    """Partitions of a disk do not share a label."""
    index = _repeated_label(disk.partitions)
    if index is not None and disk.device:
        yield Problem(("partitions", index), "cannot use the same partition label twice")


def _colliding_number(partitions: tuple[Partition, ...]) -> int | None:
    numbers: set[int] = set()
    for index, partition in enumerate(partitions):
        if partition.number and partition.number in numbers:
            return index
        numbers.add(partition.number)
    return None


def _repeated_label(partitions: tuple[Partition, ...]) -> int | None:
    labels: set[str] = set()
    for index, partition in enumerate(partitions):
        if partition.label is None:
            continue
        if partition.label in labels:
            return index
        labels.add(partition.label)
    return None


def _overlapping(partitions: tuple[Partition, ...]) -> int | None:
    """The index of the partition that Ignition reports as overlapping; None if there is none.

    It is the first one that overlaps A, where A is the first partition that overlaps any other. A partition with start
    0 is left out, because its place is not known yet.
    """
    extents = [(index, *extent) for index, one in enumerate(partitions) if (extent := _extent(one))]
    candidates = _near_each_other(extents)
    for one, start, end in [extent for extent in extents if extent[0] in candidates][:_MAX_COMPARED]:
        for other, other_start, other_end in extents:
            starts_or_ends_within = other_start <= start <= other_end or other_start <= end <= other_end
            if one != other and (starts_or_ends_within or (start < other_start and end > other_end)):
                return other
    return None


_MAX_COMPARED = 128
"""How many candidates are compared with all others: a table has 128 entries; a hostile config has more."""


def _near_each_other(extents: list[tuple[int, int, int]]) -> set[int]:
    """The indices of partitions that may overlap another one, found in one pass over their sorted extents."""
    spans = sorted((min(start, end), max(start, end), index) for index, start, end in extents)
    candidates: set[int] = set()
    furthest = 0
    for place, (start, end, index) in enumerate(spans):
        before = place > 0 and furthest >= start
        after = place + 1 < len(spans) and spans[place + 1][0] <= end
        if before or after:
            candidates.add(index)
        furthest = max(furthest, end) if place else end
    return candidates


def _extent(partition: Partition) -> tuple[int, int] | None:
    """First and last MiB; a size of 0 fills what is free, so only its start is known."""
    if not partition.start_mib or partition.size_mib is None:
        return None
    return partition.start_mib, partition.start_mib + (partition.size_mib - 1 if partition.size_mib else 0)


@rule(
    Partition,
    schema={
        **any_of(has("number", NOT_ZERO), has("label", TEXT)),
        **never(
            has("shouldExist", {"const": False}),
            any_of(
                *(has(name, value) for name, value in (("label", TEXT), ("typeGuid", FILLED), ("guid", FILLED))),
                *(has(name, NUMBER) for name in ("startMiB", "sizeMiB")),
            ),
        ),
        "properties": {
            "label": {
                "maxLength": MAX_PARTITION_LABEL,
                "pattern": "^[^:]*$",
                "patternErrorMessage": "must not contain a colon",
            }
        },
    },
)
def partition_is_sound(partition: Partition) -> Iterator[Problem]:
    """A partition has a number or a label. One with `shouldExist: false` has no other options."""
    described = (
        partition.label is not None
        or partition.type_guid
        or partition.guid
        or partition.start_mib is not None
        or partition.size_mib is not None
    )
    if partition.should_exist is False and described:
        yield Problem((), "shouldExist specified false with other options also specified")
    if partition.number == 0 and partition.label is None:
        yield Problem((), "a partition number >= 1 or a label must be specified")
    yield from _bad_partition_label(partition.label or "")
    for name, guid in (("guid", partition.guid), ("typeGuid", partition.type_guid)):
        if guid is not None and not re.fullmatch(GUID_PATTERN, guid):
            yield Problem((name,), f'doesn\'t match the form "{GUID_FORM}"')


def _bad_partition_label(label: str) -> Iterator[Problem]:
    if len(label.encode()) > MAX_PARTITION_LABEL:
        yield Problem(("label",), f"partition labels may not exceed {MAX_PARTITION_LABEL} characters")
    elif ":" in label:
        yield Problem(("label",), "partition label will be truncated to text before the colon")


@versioned_rule(
    Raid,
    schema={
        "required": ["level", "devices"],
        "properties": {"level": {"minLength": 1}, "devices": {"minItems": 1, "items": ABSOLUTE_PATH}},
        **never(has("level", {"enum": sorted(WITHOUT_SPARES)}), has("spares", NOT_ZERO)),
    },
)
def raid_is_sound(raid: Raid, version: int) -> Iterator[Problem]:
    """An array has a level and devices. An array of a level without redundancy has no spares."""
    if not raid.level and version >= _LEVEL_OPTIONAL:
        yield Problem(("level",), "raid level is required")
    elif raid.level not in RAID_LEVELS:
        hint = choice_hint(raid.level or "", RAID_LEVELS, version)
        yield Problem(("level",), "unrecognized raid level", hint=hint)
    elif raid.level in WITHOUT_SPARES and raid.spares:
        yield Problem(("level",), "spares unsupported for linear and raid0 arrays")
    if not raid.devices:
        yield Problem(("devices",), "raid devices required")
    for index, device in enumerate(raid.devices):
        for problem in bad_path(device, ""):
            yield problem._replace(path=("devices", index))


_LEVEL_OPTIONAL = 3


RULES = (
    disk_has_a_device,
    partitions_differ,
    partition_labels_differ,
    partition_is_sound,
    raid_is_sound,
)
