"""Checks of the config after sugar: values that a variant does not allow. Paths are those of the result (YAML names).

Source: coreos/butane `config/fcos/*/translate.go`, `config/openshift/*/translate.go`, `config/util/filter.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provision.config.format import Config, Disk, Partition
from provision.config.model import Field, Record
from provision.config.problems import Path, Problem
from provision.config.resources.urls import parse_url
from provision.config.rules import RULES
from provision.config.rules.declare import rule
from provision.config.rules.disks_and_raid import partition_labels_differ
from transpiler.butane.variants import Trait, Variant

RESERVED_LABELS = {"BIOS-BOOT": 1, "PowerPC-PReP-boot": 1, "EFI-SYSTEM": 2, "boot": 3, "root": 4}
ROOT_MIB = 8192


def image_partitions(config: Config, variant: Variant) -> Iterator[Problem]:
    """Warnings about the partitions of Fedora CoreOS's image: their numbers, and the size of the root partition."""
    for index, disk in enumerate(config.storage.disks):
        for number, partition in enumerate(disk.partitions):
            path: Path = ("storage", "disks", index, "partitions", number)
            if Trait.ROOT_SIZE in variant.traits and partition.label == "root":
                yield from _root(disk, partition, path)
            reserved = RESERVED_LABELS.get(partition.label or "", partition.number)
            if Trait.RESERVED_LABELS in variant.traits and not disk.wipe_table and partition.number != reserved:
                message = "incorrect partition number; a new partition will be created using reserved label"
                yield Problem((*path, "label"), message, fatal=False, hint=f"write `number: {reserved}`")


@rule(Disk)
def removed_beside_unnumbered(disk: Disk) -> Iterator[Problem]:
    """An error for a disk with a removed partition and a partition without a number.

    Butane has this rule. Ignition removed it in commit 76f869a4, after the version that Butane contains. The message
    says start and size, but the rule is about numbers.
    """
    removed = any(partition.should_exist is False for partition in disk.partitions)
    if disk.device and removed and any(partition.number == 0 for partition in disk.partitions):
        message = "shouldExist is false for a partition and other partition(s) has start or size 0"
        yield Problem(("partitions",), message, hint="give every partition of this disk a number")


RESULT_RULES = tuple(
    one
    for known in RULES
    for one in ([removed_beside_unnumbered, known] if known is partition_labels_differ else [known])
)
"""Ignition's rules, and Butane's additional rule at its place in the order of the report."""


def _root(disk: Disk, root: Partition, path: Path) -> Iterator[Problem]:
    if root.size_mib:
        if root.size_mib < ROOT_MIB:
            message = "root should have 8GiB of space assigned"
            yield Problem((*path, "size_mib"), message, fatal=False, hint=f"write `size_mib: {ROOT_MIB}` or more")
    elif any(other is not root and not other.start_mib for other in disk.partitions):
        message = (
            "root partition cannot expand; it is set to fill available space"
            " but is followed by an auto-positioned partition"
        )
        yield Problem((*path, "label"), message, fatal=False, hint="give root a size, or the others a start")


def machine_config_values(config: Config, variant: Variant) -> Iterator[Problem]:
    """Errors for values that the Machine Config Operator rejects."""
    storage = config.storage
    formats = {"btrfs": "btrfs is not supported in this spec version"}
    yield from _formats(config, formats)
    if Trait.NO_FORMAT_NONE in variant.traits:
        yield from _formats(config, {"none": 'format "none" is not supported in this spec version'})
    for index, file in enumerate(storage.files):
        source = file.contents.source
        if source is not None and not _is_data(source):
            message = "file contents source must be data URL in this spec version"
            yield Problem(("storage", "files", index, "contents", "source"), message, hint="use inline or local")
        if Trait.NO_SPECIAL_MODES in variant.traits and file.mode is not None and file.mode & ~0o777:
            message = "special mode bits are not supported in this spec version"
            yield Problem(("storage", "files", index, "mode"), message)
    for index, user in enumerate(config.passwd.users):
        if user.name != "core":
            message = 'users other than "core" are not supported in this spec version'
            yield Problem(("passwd", "users", index, "name"), message)


def _formats(config: Config, refused: dict[str, str]) -> Iterator[Problem]:
    for index, filesystem in enumerate(config.storage.filesystems):
        if filesystem.format in refused:
            yield Problem(("storage", "filesystems", index, "format"), refused[filesystem.format])


def _is_data(source: str) -> bool:
    """Whether a URL has the scheme `data`. Also true if it cannot be parsed, because another rule reports that."""
    if source.startswith("data:"):
        return True
    url = parse_url(source)
    return url is None or url.scheme == "data"


def refused_fields(config: Config, variant: Variant) -> Iterator[Problem]:
    """Errors for fields that a variant does not allow and that are not empty."""
    if variant.refused:
        yield from _refused(config, "", (), variant)


def _refused(record: Record, name: str, path: Path, variant: Variant) -> Iterator[Problem]:
    for field in type(record).FIELDS:
        value: Any = record.__dict__.get(field.name)
        if value is None or not field.exists(variant.spec_minor):
            continue
        inner, place = f"{name}.{field.json}".removeprefix("."), (*path, field.name)
        reason = variant.refused.get(inner)
        if reason:
            if _has_something(field, value) and (value or inner not in variant.zeroes_allowed):
                yield Problem(place, reason)
        elif field.record is not None and field.many:
            for index, one in enumerate(value):
                yield from _refused(one, inner, (*place, index), variant)
        elif field.record is not None:
            yield from _refused(value, inner, place, variant)


def _has_something(field: Field, value: Any) -> bool:
    """Whether a field is present: an optional scalar even if it is zero, a list or record if it is not empty."""
    if field.record is None or field.many:
        return field.optional or bool(value)
    return any(_has_something(one, value.__dict__[one.name]) for one in field.record.FIELDS if value.is_set(one.name))


def repeated_entries(openshift: Any) -> Iterator[Problem]:
    """Errors for repeated elements of `kernel_arguments` and `extensions` of a MachineConfig."""
    for name in ("kernel_arguments", "extensions"):
        values = getattr(openshift, name)
        for index, value in enumerate(values):
            if value in values[:index]:
                yield Problem(("openshift", name, index), "duplicate entry defined")


def ignored_in_raw(openshift: Any) -> Iterator[Problem]:
    """Warnings about fields of a MachineConfig that a bare config cannot hold, in their order."""
    for name in ("kernel_arguments", "extensions", "fips", "kernel_type"):
        if openshift.is_set(name):
            yield Problem(("openshift", name), "field ignored in raw mode", fatal=False)
