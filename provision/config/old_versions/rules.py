"""What a config of version 2.x must satisfy beyond its types, in the words of Ignition 2.x.

Source: coreos/ignition 0.35, `config/v2_*/types` and `config/shared`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from provision.config.format import GUID_PATTERN, RAID_LEVELS
from provision.config.old_versions.account_and_unit_rules import ACCOUNT_AND_UNIT_RULES
from provision.config.old_versions.format import (
    OldConfig,
    OldContents,
    OldDirectory,
    OldDisk,
    OldFile,
    OldFilesystem,
    OldHttpHeader,
    OldMount,
    OldNode,
    OldOwner,
    OldPartition,
    OldRaid,
    OldReference,
    OldVerification,
)
from provision.config.problems import Problem
from provision.config.resources.urls import parse_url, url_error
from provision.config.rules.declare import Rule, rule, versioned_rule
from provision.config.rules.disks_and_raid import MAX_PARTITION_LABEL, WITHOUT_SPARES
from provision.config.rules.filesystems import MAX_LABEL
from provision.config.rules.systemd import quoted

OLD_SCHEMES: Mapping[str, int] = {"http": 0, "https": 0, "data": 0, "oem": 0, "tftp": 1, "s3": 1}
"""The schemes of sources, and the minor version of 2.x that brought each."""

FORMATS = {"ext4": 0, "btrfs": 0, "xfs": 0, "swap": 1, "vfat": 1}
"""The formats of file systems, and the minor version of 2.x that brought each."""

_MEBIBYTES = 3
"""The minor version that brought sizes in MiB; since then a size or start may be absent."""

ALIGNMENT = 2048
"""The start of a partition is a multiple of so many sectors."""

_HEX_DIGITS_OF_SHA512 = 128
_MAX_MODE = 0o7777


@rule(OldConfig)
def filesystems_are_defined(config: OldConfig) -> Iterator[Problem]:
    """The file systems that nodes name should be in the config, and each name once."""
    known = {"root", *(filesystem.name for filesystem in config.storage.filesystems)}
    for noun, name, nodes in _nodes(config):
        for index, node in enumerate(nodes):
            if node.filesystem and node.filesystem not in known:
                told = f"{noun} {quoted(node.path)} references nonexistent filesystem {quoted(node.filesystem)}."
                path = ("storage", name, index, "filesystem")
                note = "(This is ok if it is defined in a referenced config)"
                yield Problem(path, f"{told} {note}", fatal=False, rule="unknown-filesystem")
    seen = {"root"}
    for index, filesystem in enumerate(config.storage.filesystems):
        if filesystem.name in seen:
            message = f"Filesystem {quoted(filesystem.name)} shadows exising filesystem definition"
            yield Problem(("storage", "filesystems", index, "name"), message, fatal=False, rule="redefined-filesystem")
        seen.add(filesystem.name)


def _nodes(config: OldConfig) -> Iterator[tuple[str, str, tuple[OldNode, ...]]]:
    storage = config.storage
    yield "File", "files", storage.files
    yield "Link", "links", storage.links
    yield "Directory", "directories", storage.directories


@versioned_rule(OldReference)
def reference_is_a_url(reference: OldReference, version: int) -> Iterator[Problem]:
    """The source of a config or bundle is a URL that the version can fetch; an empty one is an empty config."""
    if reference.source and (message := url_error(reference.source, version, OLD_SCHEMES)):
        yield Problem(("source",), message, hint=_scheme_hint(message, version))
    yield from _bad_headers(reference.http_headers, reference.source)


@versioned_rule(OldContents)
def contents_are_a_url(contents: OldContents, version: int) -> Iterator[Problem]:
    """The source of a file is a URL that the version can fetch; an empty one is an empty file."""
    if contents.compression not in {"", "gzip"}:
        yield Problem(("compression",), "invalid compression method", hint="only gzip is known")
    if contents.source and (message := url_error(contents.source, version, OLD_SCHEMES)):
        yield Problem(("source",), message, hint=_scheme_hint(message, version))
    yield from _bad_headers(contents.http_headers, contents.source)


def _scheme_hint(message: str, version: int) -> str:
    known = ", ".join(scheme for scheme, since in OLD_SCHEMES.items() if since <= version)
    return f"known schemes are {known}" if message == "invalid url scheme" else ""


def _bad_headers(headers: tuple[OldHttpHeader, ...], source: str) -> Iterator[Problem]:
    if not headers:
        return
    url = parse_url(source)
    if url is None:
        yield Problem(("httpHeaders",), "unable to parse url")
    elif url.scheme not in {"http", "https"}:
        yield Problem(("httpHeaders",), "cannot use HTTP headers with this source scheme")
    seen: set[str] = set()
    for index, header in enumerate(headers):
        if not header.name:
            yield Problem(("httpHeaders", index), "HTTP header name can't be empty")
        elif header.name in seen:
            yield Problem(("httpHeaders", index), f"Found duplicate HTTP header: {quoted(header.name)}")
        seen.add(header.name)


@rule(OldVerification)
def hash_is_sha512(verification: OldVerification) -> Iterator[Problem]:
    """The checksum is one of SHA-512."""
    if verification.hash is None:
        return
    function, dash, digits = verification.hash.partition("-")
    if not dash:
        yield Problem(("hash",), "malformed hash specifier", hint="write sha512- and the checksum in hexadecimal")
    elif function != "sha512":
        yield Problem(("hash",), "unrecognized hash function", hint="versions 2.x know only sha512")
    elif len(digits.encode()) != _HEX_DIGITS_OF_SHA512:
        yield Problem(("hash",), "incorrect size for hash sum")


@versioned_rule(OldDisk)
def disk_is_sound(disk: OldDisk, version: int) -> Iterator[Problem]:
    """A disk has an absolute path; its partitions have different numbers and do not overlap."""
    if not disk.device:
        yield Problem(("device",), "disk device is required")
    else:
        yield from _relative(disk.device, "device")
    path = ("partitions",)
    partitions = disk.partitions
    numbers = [partition.number for partition in partitions if partition.number]
    if len(numbers) != len(set(numbers)):
        yield Problem(path, "partition numbers collide")
    if _overlap(partitions, by_value=version < _MEBIBYTES):
        yield Problem(path, "partitions overlap")
    if any((partition.start or 0) % ALIGNMENT for partition in partitions):
        hint = f"a start is a multiple of {ALIGNMENT} sectors"
        yield Problem(path, "partitions misaligned", hint=hint)
    if any(not partition.number for partition in partitions) and any(
        partition.should_exist is False for partition in partitions
    ):
        message = "shouldExist is false for a partition and other partition(s) has start or size 0"
        yield Problem(path, message, hint="give every partition of the disk a number")
    if any(map(_in_sectors, partitions)) and any(map(_in_mebibytes, partitions)):
        yield Problem(path, "cannot mix MBs and sectors within a disk")


def _overlap(partitions: tuple[OldPartition, ...], *, by_value: bool) -> bool:
    """Whether partitions with a start share sectors. In old versions two equal partitions are not compared."""
    spans = []
    for partition in partitions:
        sized = partition.size is not None or by_value
        if partition.start and sized:
            spans.append((partition.start, partition.start + max(0, (partition.size or 0) - 1), partition))
    spans.sort(key=lambda span: span[:2])
    reach, last = -1, None
    for start, end, partition in spans:
        if start <= reach and not (by_value and partition == last):
            return True
        if end > reach:
            reach, last = end, partition
    return False


def _in_sectors(partition: OldPartition) -> bool:
    return partition.size is not None or partition.start is not None


def _in_mebibytes(partition: OldPartition) -> bool:
    return partition.size_mib is not None or partition.start_mib is not None


@rule(OldPartition, since="2.3")
def partition_is_in_one_unit(partition: OldPartition) -> Iterator[Problem]:
    """A partition is described in MiB; one that shall not exist is not described."""
    if _in_sectors(partition) and _in_mebibytes(partition):
        yield Problem((), "cannot mix MBs and sectors within a disk")
    if partition.should_exist is False and (
        partition.label is not None or partition.type_guid or partition.guid or _in_sectors(partition)
    ):
        yield Problem((), "shouldExist specified false with other options also specified")
    if partition.size is not None:
        yield Problem(("size",), "size is deprecated; use sizeMB instead", fatal=False, hint="the field is sizeMiB")
    if partition.start is not None:
        yield Problem(("start",), "start is deprecated; use startMB instead", fatal=False, hint="the field is startMiB")


@rule(OldPartition, until="2.1")
def first_partitions_have_no_negative_numbers(partition: OldPartition) -> Iterator[Problem]:
    """Sizes and starts of version 2.0 are unsigned."""
    for name, number in (("size", partition.size), ("start", partition.start)):
        if number is not None and number < 0:
            yield Problem((name,), "expected a whole number that is not negative")


@rule(OldPartition)
def partition_is_sound(partition: OldPartition) -> Iterator[Problem]:
    """The label fits the table; the GUIDs have their form."""
    label = partition.label or ""
    if len(label.encode()) > MAX_PARTITION_LABEL:
        yield Problem(("label",), "partition labels may not exceed 36 characters")
    if ":" in label:
        yield Problem(("label",), "partition label will be truncated to text before the colon", fatal=False)
    for name, guid in (("typeGuid", partition.type_guid), ("guid", partition.guid)):
        if not re.match(GUID_PATTERN.replace("$", r"\Z"), guid):
            message = 'doesn\'t match the form "01234567-89AB-CDEF-EDCB-A98765432101"'
            yield Problem((name,), message)


@rule(OldRaid)
def raid_is_sound(raid: OldRaid) -> Iterator[Problem]:
    """The level is known and can have spares; the devices are absolute paths."""
    if raid.level not in RAID_LEVELS:
        yield Problem(("level",), "unrecognized raid level")
    elif raid.level in WITHOUT_SPARES and raid.spares:
        yield Problem(("level",), "spares unsupported for arrays with a level greater than 0")
    for index, device in enumerate(raid.devices):
        for problem in _relative(device, "devices"):
            yield problem._replace(path=("devices", index))


@versioned_rule(OldFilesystem)
def filesystem_has_one_place(filesystem: OldFilesystem, version: int) -> Iterator[Problem]:
    """A file system is on a device or mounted already; what `create` says is not said again."""
    has_mount, has_path = filesystem.is_set("mount"), filesystem.path is not None
    if not has_mount and not has_path:
        yield Problem((), "filesystem is missing mount or path")
    if has_mount and has_path:
        yield Problem((), "filesystem has both mount and path defined")
    if filesystem.path is not None and not filesystem.path.startswith("/"):
        name = f"filesystem {quoted(filesystem.name)}: " if version >= _MEBIBYTES else ""
        yield Problem(("path",), f"{name}path not absolute")


@rule(OldMount, since="2.1")
def create_is_deprecated(mount: OldMount) -> Iterator[Problem]:
    """`create` of version 2.0 does not go with the fields that replace it."""
    if not mount.is_set("create"):
        return
    if mount.wipe_filesystem:
        yield Problem(("wipeFilesystem",), "cannot use both create object and wipeFilesystem field")
    if mount.options:
        yield Problem(("options",), "cannot use both create object and mount-level options field")
    message = "the create object has been deprecated in favor of mount-level options"
    yield Problem(("create",), message, fatal=False)


@versioned_rule(OldMount)
def mount_is_sound(mount: OldMount, version: int) -> Iterator[Problem]:
    """The format is known, the label fits it, and the device is an absolute path."""
    if FORMATS.get(mount.format, version + 1) > version:
        known = ", ".join(name for name, since in FORMATS.items() if since <= version)
        yield Problem(("format",), "invalid filesystem format", hint=f"one of {known}")
    yield from _relative(mount.device, "device")
    limit = MAX_LABEL.get(mount.format)
    if limit is not None and mount.label is not None and len(mount.label.encode()) > limit:
        message = f"filesystem labels cannot be longer than {limit} characters when using {mount.format}"
        yield Problem(("label",), message)


@rule(OldNode)
def node_has_a_place(node: OldNode) -> Iterator[Problem]:
    """A node names its file system, and its path there."""
    if not node.filesystem:
        yield Problem(("filesystem",), "no filesystem specified", hint="the target's root is root")
    yield from _relative(node.path, "path")


@rule(OldOwner)
def owner_is_said_once(owner: OldOwner) -> Iterator[Problem]:
    """An owner is an id or a name, not both."""
    if owner.id is not None and owner.name:
        yield Problem((), "cannot set both id and name")


@rule(OldFile, since="2.2")
def append_does_not_overwrite(file: OldFile) -> Iterator[Problem]:
    """A file is appended to or replaced, not both."""
    if file.append and file.overwrite:
        yield Problem((), "cannot set both append and overwrite to true")


@versioned_rule(OldFile)
def file_mode_is_legal(file: OldFile, version: int) -> Iterator[Problem]:
    """The mode of a file has permission bits only."""
    yield from _bad_mode(file.mode, version)


@versioned_rule(OldDirectory)
def directory_mode_is_legal(directory: OldDirectory, version: int) -> Iterator[Problem]:
    """The mode of a directory has permission bits only."""
    yield from _bad_mode(directory.mode, version)


_OPTIONAL_MODES = 2
"""The minor version since which a mode may be absent, which is reported."""


def _bad_mode(mode: int | None, version: int) -> Iterator[Problem]:
    if mode is not None and not 0 <= mode <= _MAX_MODE:
        yield Problem(("mode",), "illegal file mode", hint="JSON has no octal numbers: 0644 is 420")
    if mode is None and version >= _OPTIONAL_MODES:
        message = "permissions unset, defaulting to 0000"
        yield Problem(("mode",), message, fatal=False, hint="0644 is 420, 0755 is 493")


def _relative(path: str, name: str) -> Iterator[Problem]:
    if not path.startswith("/"):
        yield Problem((name,), "path not absolute")


OLD_RULES: tuple[Rule, ...] = (
    filesystems_are_defined,
    reference_is_a_url,
    contents_are_a_url,
    hash_is_sha512,
    disk_is_sound,
    partition_is_in_one_unit,
    first_partitions_have_no_negative_numbers,
    partition_is_sound,
    raid_is_sound,
    filesystem_has_one_place,
    create_is_deprecated,
    mount_is_sound,
    node_has_a_place,
    owner_is_said_once,
    append_does_not_overwrite,
    file_mode_is_legal,
    directory_mode_is_legal,
    *ACCOUNT_AND_UNIT_RULES,
)
"""Every rule of versions 2.x."""
