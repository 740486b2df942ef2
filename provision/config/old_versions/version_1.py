"""Ignition config format 1: its records, and their conversion into those of 2.0.

Only what differs from 2.0 is declared: files stand below their file system and hold their text. Types are read at run
time, so this module has no `from __future__ import annotations`. Source: coreos/ignition 0.35, `config/v1`,
`config/v2_0/translate.go`.
"""

from collections.abc import Iterator

from provision.config.model import Record, list_of, nested, optional, value
from provision.config.old_versions.format import (
    OldConfig,
    OldContents,
    OldCreate,
    OldDisk,
    OldFile,
    OldFilesystem,
    OldIgnition,
    OldMount,
    OldNetworkd,
    OldOwner,
    OldPasswd,
    OldRaid,
    OldStorage,
    OldSystemd,
)
from provision.config.old_versions.rules import OLD_RULES
from provision.config.problems import Path, Problem
from provision.config.resources.data_urls import percent_encoded
from provision.config.rules import check_rules


class FirstFile(Record):
    """A file with its text."""

    contents: str = value("text of the file", secret=True)
    gid: int = value("group id")
    mode: int = value("permission bits")
    path: str = value("absolute path on the file system")
    uid: int = value("user id")


class FirstFilesystem(Record):
    """A file system on a device, with the files that are written to it."""

    create: OldCreate = nested(OldCreate, "how it is made", pointer_until="2.99")
    device: str = value("absolute path of the device")
    files: tuple[FirstFile, ...] = list_of(FirstFile, "files")
    format: str = value("ext4, btrfs or xfs")


class FirstStorage(Record):
    """Disks, file systems and files."""

    disks: tuple[OldDisk, ...] = list_of(OldDisk, "disks and their partitions")
    filesystems: tuple[FirstFilesystem, ...] = list_of(FirstFilesystem, "file systems")
    raid: tuple[OldRaid, ...] = list_of(OldRaid, "software RAID arrays")


class FirstConfig(Record):
    """A config of version 1."""

    ignition_version: int | None = optional("version of the format: 1")
    networkd: OldNetworkd = nested(OldNetworkd, "units of systemd-networkd")
    passwd: OldPasswd = nested(OldPasswd, "accounts")
    storage: FirstStorage = nested(FirstStorage, "disks, file systems and files")
    systemd: OldSystemd = nested(OldSystemd, "systemd units")


def as_version_2(config: FirstConfig) -> OldConfig:
    """The config in the records of version 2.0. File systems get names, by which the files refer to them."""
    storage = config.storage
    names = [f"_translate-filesystem-{index}" for index in range(len(storage.filesystems))]
    files = tuple(_file(file, name) for one, name in zip(storage.filesystems, names, strict=True) for file in one.files)
    return OldConfig(
        ignition=OldIgnition(version="2.0.0"),
        networkd=config.networkd,
        passwd=config.passwd,
        storage=OldStorage(
            disks=storage.disks,
            files=files,
            filesystems=tuple(map(_filesystem, storage.filesystems, names)),
            raid=storage.raid,
        ),
        systemd=config.systemd,
    )


def _filesystem(filesystem: FirstFilesystem, name: str) -> OldFilesystem:
    mount = OldMount(device=filesystem.device, format=filesystem.format)
    if filesystem.is_set("create"):
        mount = mount.changed(create=filesystem.create)
    return OldFilesystem(name=name, mount=mount)


def _file(file: FirstFile, filesystem: str) -> OldFile:
    return OldFile(
        filesystem=filesystem,
        path=file.path,
        mode=file.mode,
        user=OldOwner(id=file.uid),
        group=OldOwner(id=file.gid),
        contents=OldContents(source=percent_encoded(file.contents.encode(errors="replace"))),
    )


def check_first(config: FirstConfig, old: OldConfig) -> Iterator[Problem]:
    """The problems of a config of version 1, of which `old` was made, with their paths in it."""
    for index, disk in enumerate(config.storage.disks):
        unnumbered = [partition for partition in disk.partitions if not partition.number]
        if len(unnumbered) > 1:
            yield Problem(("storage", "disks", index), "partition numbers collide", hint="version 1 has no number 0")
    for problem in check_rules(old, 0, OLD_RULES):
        if not problem.message.startswith(_LATER_RULES) and not problem.message.endswith(_NO_INSTALL_SECTION):
            yield problem._replace(path=first_path(problem.path, config))


_LATER_RULES = ("invalid unit content", "partition label will be truncated")
_NO_INSTALL_SECTION = "so enable does nothing"
"""Messages of rules that version 1 does not have: it does not read units."""


def first_path(path: Path, config: FirstConfig) -> Path:
    """The path in a config of version 1 of what has this path in its conversion."""
    match path:
        case ("storage", "filesystems", int(index), "mount", *rest):
            return ("storage", "filesystems", index, *rest)
        case ("storage", "files", int(index), *rest):
            for number, filesystem in enumerate(config.storage.filesystems):
                if index < len(filesystem.files):
                    return ("storage", "filesystems", number, "files", index, *_FILE_PATHS.get(tuple(rest), rest))
                index -= len(filesystem.files)
    return path


_FILE_PATHS: dict[Path, Path] = {
    ("contents", "source"): ("contents",),
    ("user", "id"): ("uid",),
    ("group", "id"): ("gid",),
}
