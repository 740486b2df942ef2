"""Rules about block devices: disks and partitions, RAID, LUKS, file systems."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.format import (
    FORMATS,
    GUID_FORM,
    GUID_PATTERN,
    RAID_LEVELS,
    Clevis,
    ClevisCustom,
    Disk,
    Filesystem,
    Luks,
    Partition,
    Raid,
    Tang,
)
from provision.config.json_text.parse import parse_json
from provision.config.model import VERSIONS, minor
from provision.config.problems import Problem
from provision.config.rules.declare import (
    FILLED,
    NOT_EMPTY,
    NOT_ZERO,
    NUMBER,
    TEXT,
    TRUE,
    Keywords,
    any_of,
    has,
    never,
    required,
    rule,
    versioned_rule,
)
from provision.config.rules.storage import ABSOLUTE_PATH, PATH_OR_EMPTY, bad_path
from provision.config.urls import HTTP_URL, parse_url, url_error

MAX_PARTITION_LABEL = 36
MAX_LUKS_LABEL = 47
MAX_VIRTIOFS_TAG = 36
MAX_LABEL = {"ext4": 16, "btrfs": 256, "xfs": 12, "swap": 15, "vfat": 11}
"""The longest label of each format, in bytes, by the manual pages of the mkfs tools (swap by trial)."""

WITHOUT_SPARES = frozenset({"linear", "raid0", "0", "stripe"})
CLEVIS_PINS = frozenset({"tpm2", "tang", "sss"})

_GUID = GUID_PATTERN


@rule(Disk, schema=required("device", **ABSOLUTE_PATH))
def disk_has_a_device(disk: Disk) -> Iterator[Problem]:
    """A disk is known by the absolute path of its device; without one its partitions are not compared."""
    if disk.device == "":
        yield Problem(("device",), "disk device is required")
    else:
        yield from bad_path(disk.device, "device")


@rule(Disk)
def partitions_differ(disk: Disk) -> Iterator[Problem]:
    """Partitions of a disk share neither a number other than 0, nor a MiB."""
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
    """The first partition that shares a MiB with the first one that shares any; a start of 0 is not known yet."""
    extents = [(index, *extent) for index, one in enumerate(partitions) if (extent := _extent(one))]
    suspects = _near_each_other(extents)
    for one, start, end in [extent for extent in extents if extent[0] in suspects][:_ENOUGH]:
        for other, other_start, other_end in extents:
            starts_or_ends_within = other_start <= start <= other_end or other_start <= end <= other_end
            if one != other and (starts_or_ends_within or (start < other_start and end > other_end)):
                return other
    return None


_ENOUGH = 128
"""A suspect is innocent only if a size is negative; a table has that many entries, and a bomb has more."""


def _near_each_other(extents: list[tuple[int, int, int]]) -> set[int]:
    """Those that may overlap another one, found in one sweep, so that a thousand partitions are no million pairs."""
    spans = sorted((min(start, end), max(start, end), index) for index, start, end in extents)
    suspects: set[int] = set()
    furthest = 0
    for place, (start, end, index) in enumerate(spans):
        before = place > 0 and furthest >= start
        after = place + 1 < len(spans) and spans[place + 1][0] <= end
        if before or after:
            suspects.add(index)
        furthest = max(furthest, end) if place else end
    return suspects


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
    """A partition has a number or a label; one that must not exist has nothing else."""
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
        if guid is not None and not re.fullmatch(_GUID, guid):
            yield Problem((name,), f'doesn\'t match the form "{GUID_FORM}"')


def _bad_partition_label(label: str) -> Iterator[Problem]:
    if len(label.encode()) > MAX_PARTITION_LABEL:
        yield Problem(("label",), f"partition labels may not exceed {MAX_PARTITION_LABEL} characters")
    elif ":" in label:
        yield Problem(("label",), "partition label will be truncated to text before the colon")


def _filesystem_keywords(version: int) -> Keywords:
    described = [has(name, FILLED) for name in ("path", "label", "uuid")]
    described += [has("wipeFilesystem", TRUE), has("options", NOT_EMPTY)]
    if version >= _MOUNT_OPTIONS:
        described.append(has("mountOptions", NOT_EMPTY))
    keywords = {
        "if": {"anyOf": described},
        "then": {"required": ["format"], "properties": {"format": {"minLength": 1, "type": "string"}}},
        "properties": {"path": PATH_OR_EMPTY},
    }
    if version < minor(FORMATS["virtiofs"]):
        return {**keywords, **required("device"), "properties": {"device": ABSOLUTE_PATH, "path": PATH_OR_EMPTY}}
    tag = {"properties": {"device": {"maxLength": MAX_VIRTIOFS_TAG}}}
    device = {
        "if": has("format", {"const": "virtiofs"}),
        "then": tag,
        "else": {"properties": {"device": ABSOLUTE_PATH}},
    }
    return {
        "required": ["device"],
        "properties": {"device": {"minLength": 1}, "path": PATH_OR_EMPTY},
        "allOf": [{"if": keywords["if"], "then": keywords["then"]}, device],
    }


_MOUNT_OPTIONS = 1


@versioned_rule(Filesystem, schema=_filesystem_keywords)
def filesystem_is_sound(filesystem: Filesystem, version: int) -> Iterator[Problem]:
    """A file system has a device and a format that the version knows, and a label that fits the format."""
    if filesystem.path:
        yield from bad_path(filesystem.path, "path")
    if _is_virtiofs(filesystem, version):
        yield from _bad_tag(filesystem.device)
    else:
        yield from bad_path(filesystem.device, "device")
    yield from _bad_format(filesystem, version)
    yield from _bad_label(filesystem)


def _is_virtiofs(filesystem: Filesystem, version: int) -> bool:
    return filesystem.format == "virtiofs" and version >= minor(FORMATS["virtiofs"])


def _bad_tag(tag: str) -> Iterator[Problem]:
    if tag == "":
        yield Problem(("device",), "device not specified")
    elif len(tag.encode()) > MAX_VIRTIOFS_TAG:
        yield Problem(("device",), f"virtiofs device tag cannot be longer than {MAX_VIRTIOFS_TAG} bytes")


def _bad_format(filesystem: Filesystem, version: int) -> Iterator[Problem]:
    if not filesystem.format:
        described = (
            filesystem.path
            or filesystem.label
            or filesystem.uuid
            or filesystem.wipe_filesystem
            or filesystem.mount_options
            or filesystem.options
        )
        if described:
            yield Problem(
                ("format",),
                "format cannot be empty when path, label, uuid, wipeFilesystem, options, or mountOptions is specified",
            )
    elif minor(FORMATS.get(filesystem.format, f"3.{version + 1}")) > version:
        yield Problem(("format",), "invalid filesystem format", hint=_choice_hint(filesystem.format, FORMATS, version))


def _bad_label(filesystem: Filesystem) -> Iterator[Problem]:
    label, kind = filesystem.label, filesystem.format
    if not label:
        return
    if not kind:
        yield Problem(("label",), "filesystem must specify format if label is specified")
    elif kind in MAX_LABEL and len(label.encode()) > MAX_LABEL[kind]:
        limit = MAX_LABEL[kind]
        message = f"filesystem labels cannot be longer than {limit} characters when using {kind}"
        yield Problem(("label",), message, hint=f"this one has {len(label.encode())} bytes")


@rule(
    Filesystem,
    since="3.7",
    schema=never(
        has("format", {"const": "virtiofs"}),
        any_of(has("label", FILLED), has("uuid", FILLED), has("wipeFilesystem", TRUE), has("options", NOT_EMPTY)),
    ),
)
def virtiofs_has_no_device(filesystem: Filesystem) -> Iterator[Problem]:
    """A virtiofs share has no label, no UUID and no options of mkfs, and is not wiped."""
    if filesystem.format != "virtiofs":
        return
    if filesystem.label:
        yield Problem(("label",), "filesystem labels cannot be set when using virtiofs")
    without_device = "cannot be set for non-block-device filesystems"
    if filesystem.uuid:
        yield Problem(("uuid",), f"filesystem uuid {without_device}")
    if filesystem.wipe_filesystem:
        yield Problem(("wipeFilesystem",), f"wipeFilesystem {without_device}")
    if filesystem.options:
        yield Problem(("options",), f"filesystem options (mkfs) {without_device}")


@versioned_rule(
    Raid,
    schema={
        "required": ["level", "devices"],
        "properties": {"level": {"minLength": 1}, "devices": {"minItems": 1, "items": ABSOLUTE_PATH}},
        **never(has("level", {"enum": sorted(WITHOUT_SPARES)}), has("spares", NOT_ZERO)),
    },
)
def raid_is_sound(raid: Raid, version: int) -> Iterator[Problem]:
    """An array has a level, devices, and spares only where there is something to replace."""
    if not raid.level and version >= _LEVEL_OPTIONAL:
        yield Problem(("level",), "raid level is required")
    elif raid.level not in RAID_LEVELS:
        hint = _choice_hint(raid.level or "", RAID_LEVELS, version)
        yield Problem(("level",), "unrecognized raid level", hint=hint)
    elif raid.level in WITHOUT_SPARES and raid.spares:
        yield Problem(("level",), "spares unsupported for linear and raid0 arrays")
    if not raid.devices:
        yield Problem(("devices",), "raid devices required")
    for index, device in enumerate(raid.devices):
        for problem in bad_path(device, ""):
            yield problem._replace(path=("devices", index))


_LEVEL_OPTIONAL = 3


@rule(
    Luks,
    schema={
        "required": ["device"],
        "properties": {
            "device": {"minLength": 1, **ABSOLUTE_PATH},
            "label": {"maxLength": MAX_LUKS_LABEL},
            "name": {"pattern": "^[^/]*$", "patternErrorMessage": "must not contain a slash"},
        },
    },
)
def luks_is_sound(luks: Luks) -> Iterator[Problem]:
    """A volume has a name that can stand below /dev/mapper, a label that fits the header, and a device."""
    if "/" in luks.name:
        yield Problem(("name",), "device names cannot contain slashes")
    if len((luks.label or "").encode()) > MAX_LUKS_LABEL:
        yield Problem(("label",), f"luks device labels cannot be longer than {MAX_LUKS_LABEL} characters")
    if not luks.device:
        yield Problem(("device",), "disk device is required")
    else:
        yield from bad_path(luks.device, "device")


_PINS = any_of(has("clevis.tang", NOT_EMPTY), has("clevis.tpm2", TRUE), has("clevis.threshold", NOT_ZERO))


@versioned_rule(
    Luks, schema=lambda version: never(has("clevis.custom.pin", FILLED), _PINS) if version >= _CUSTOM_BY_PIN else {}
)
def custom_pin_stands_alone(luks: Luks, version: int) -> Iterator[Problem]:
    """A pin in its own words excludes the others. In 3.2.0 an empty one counted."""
    clevis = luks.clevis
    custom = clevis.is_set("custom") if version < _CUSTOM_BY_PIN else bool(clevis.custom.pin)
    if custom and (clevis.tang or clevis.tpm2 or clevis.threshold):
        yield Problem(("clevis",), "cannot use custom clevis config with tpm2, tang, or threshold")


_CUSTOM_BY_PIN = 3


@versioned_rule(Luks)
def key_file_has_a_good_source(luks: Luks, version: int) -> Iterator[Problem]:
    """The reference reports this at a field that does not exist, beside the finding about the source itself."""
    if luks.key_file.source and url_error(luks.key_file.source, version):
        yield Problem(("keys",), "invalid key-file source")


@rule(
    Luks,
    since="3.5",
    schema=never(
        has("cex.enabled", TRUE),
        any_of(has("clevis.custom.pin", FILLED), _PINS, has("keyFile.source", FILLED)),
    ),
)
def cex_excludes_others(luks: Luks) -> Iterator[Problem]:
    """A volume bound to a crypto card is unlocked by that alone."""
    if not luks.cex.enabled:
        return
    if _is_present(luks.clevis):
        yield Problem(("cex",), "cannot use cex with clevis")
    if luks.key_file.source:
        yield Problem(("cex",), "cannot use key file with cex")


def _is_present(clevis: Clevis) -> bool:
    return bool(clevis.custom.pin or clevis.tang or clevis.tpm2 or clevis.threshold)


def _custom_pin_keywords(version: int) -> Keywords:
    if version >= _ANY_PIN:
        return {}
    return {"properties": {"pin": {"enum": [*sorted(CLEVIS_PINS), "", None]}}}


@versioned_rule(ClevisCustom, schema=_custom_pin_keywords)
def custom_pin_is_complete(custom: ClevisCustom, version: int) -> Iterator[Problem]:
    """A custom pin has a name, up to 3.5 a known one, and a configuration."""
    wants_network = custom.needs_network and version >= _CUSTOM_BY_PIN
    if not (custom.pin or custom.config or wants_network):
        return
    if not custom.pin and version >= _CUSTOM_BY_PIN:
        yield Problem(("pin",), "missing required custom clevis pin")
    elif custom.pin not in CLEVIS_PINS and version < _ANY_PIN:
        hint = f"one of {', '.join(sorted(CLEVIS_PINS))}; any other needs {VERSIONS[_ANY_PIN]}"
        yield Problem(("pin",), "unsupported clevis pin", hint=hint)
    if not custom.config:
        yield Problem(("config",), "missing required custom clevis config")


_ANY_PIN = 6


@rule(
    Tang,
    schema={
        "required": ["thumbprint", "url"],
        "properties": {"thumbprint": {"minLength": 1}, "url": HTTP_URL},
    },
)
def tang_is_sound(tang: Tang) -> Iterator[Problem]:
    """A Tang server is asked over HTTP, and known by a thumbprint; an advertisement is JSON."""
    url = parse_url(tang.url)
    if url is None:
        yield Problem(("url",), "unable to parse url")
    elif url.scheme not in {"http", "https"}:
        yield Problem(("url",), "invalid url scheme", hint="Tang is reached by http or https")
    if not tang.thumbprint:
        yield Problem(("thumbprint",), "thumbprint is required")
    if tang.advertisement and parse_json(tang.advertisement.encode()).problem:
        yield Problem(("advertisement",), "advertisement is not valid JSON")


def _choice_hint(value: str, choices: dict[str, str], version: int) -> str:
    """The version that brings a value, or the values that this one knows."""
    if value in choices:
        return f"{value} needs {VERSIONS[minor(choices[value])]}; this config says {VERSIONS[version]}"
    return f"one of {', '.join(name for name, since in choices.items() if minor(since) <= version)}"


RULES = (
    disk_has_a_device,
    partitions_differ,
    partition_labels_differ,
    partition_is_sound,
    filesystem_is_sound,
    virtiofs_has_no_device,
    raid_is_sound,
    luks_is_sound,
    custom_pin_stands_alone,
    key_file_has_a_good_source,
    cex_excludes_others,
    custom_pin_is_complete,
    tang_is_sound,
)
