"""A config of version 1 or 2.x -> a config of version 3 for authors, and what changes its meaning.

The machine keeps the meaning exactly (decision 11). An author wants a config as one writes it for version 3: a file
system has the mount point that it has on the machine, defaults are not written, and sizes are in MiB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from provision.config.format import Config, Directory, Disk, File, Link, Owner, Partition
from provision.config.old_versions.conversion import MOUNT_POINTS, Conversion, convert
from provision.config.old_versions.format import OldConfig, OldDirectory, OldFile, OldNode
from provision.config.problems import Path, Problem

_Node = TypeVar("_Node", File, Directory, Link)

SECTORS_IN_MIB = 2048
"""Sectors of 512 bytes in one MiB."""


class Authored(NamedTuple):
    """The config for authors; problems have their paths in the old config. Fatal ones are things that are lost.

    `old_path` gives the path in the old config of what has a path in the new one.
    """

    config: Config
    problems: tuple[Problem, ...]
    old_path: Callable[[Path], Path]


def for_authors(older: OldConfig, mounts: Mapping[str, str]) -> Authored:
    """Convert a config that is in the form of 2.4. `mounts`: name of a file system -> its mount point."""
    conversion = convert(older, mounts)
    storage = conversion.config.storage
    problems = [*conversion.problems, *_unmounted(older, conversion), *_oem_files(older), *_new_meanings(older)]
    disks = tuple(_in_mebibytes(disk, index, conversion, problems) for index, disk in enumerate(storage.disks))
    storage = storage.changed(
        directories=_plain(storage.directories, "directories", older, conversion),
        disks=disks,
        files=_plain(storage.files, "files", older, conversion),
        links=_plain(storage.links, "links", older, conversion),
    )
    return Authored(conversion.config.changed(storage=storage, older=None), tuple(problems), conversion.old_path)


def _plain(nodes: tuple[_Node, ...], section: str, older: OldConfig, conversion: Conversion) -> tuple[_Node, ...]:
    """The nodes without the owner and mode that they only have by default in 2.x. One may have several old entries."""
    made = []
    old_entries = _entries_by_path(older)
    for index, node in enumerate(nodes):
        entries = _old_nodes(older, conversion.old_path(("storage", section, index)), old_entries)
        changes: dict[str, object] = {}
        if all(old.user.is_empty for old in entries):
            changes |= _without_root("user", node.user)
        if all(old.group.is_empty for old in entries):
            changes |= _without_root("group", node.group)
        with_mode = [old for old in entries if isinstance(old, OldFile | OldDirectory)]
        if with_mode and all(old.mode is None for old in with_mode):
            changes["mode"] = None
        made.append(node.changed(**changes) if changes else node)
    return tuple(made)


def _without_root(name: str, owner: Owner) -> dict[str, object]:
    return {name: Owner()} if owner == Owner(id=0) else {}


_Entries = dict[tuple[str, str, str], list[OldNode]]


def _entries_by_path(older: OldConfig) -> _Entries:
    """The entries of each list that are about one path: list, file system and path -> entries."""
    found: _Entries = {}
    for section in ("files", "directories", "links"):
        for one in getattr(older.storage, section):
            found.setdefault((section, one.filesystem, one.path), []).append(one)
    return found


def _old_nodes(older: OldConfig, place: Path, entries: _Entries) -> list[OldNode]:
    """All entries of the list at a place that are about the same path of the same file system."""
    match place:
        case ("storage", "files" | "directories" | "links" as section, int(index)):
            node = getattr(older.storage, section)[index]
            return entries[section, node.filesystem, node.path]
    return []


def _in_mebibytes(disk: Disk, index: int, conversion: Conversion, problems: list[Problem]) -> Disk:
    """The disk with its partitions in MiB. Sizes that are no multiple of it are lost."""
    made = []
    for number, partition in enumerate(disk.partitions):
        place = conversion.old_path(("storage", "disks", index, "partitions", number))
        made.append(_partition(partition, place, problems))
    return disk.changed(partitions=tuple(made)) if made else disk


def _partition(partition: Partition, place: Path, problems: list[Problem]) -> Partition:
    changes: dict[str, object] = {}
    for name, sectors in (("size", partition.size_sectors), ("start", partition.start_sectors)):
        if sectors is None:
            continue
        changes |= {f"{name}_sectors": None, f"{name}_mib": sectors // SECTORS_IN_MIB}
        if sectors % SECTORS_IN_MIB:
            message = f"{name} is {sectors} sectors, which is no whole number of MiB"
            problems.append(
                Problem((*place, name), message, hint="version 3 has only sizes in MiB", rule="size-in-sectors")
            )
        elif sectors:
            message = f"{name} in sectors becomes MiB, for sectors of 512 bytes"
            problems.append(Problem((*place, name), message, fatal=False, rule="size-in-sectors"))
    return partition.changed(**changes) if changes else partition


def _unmounted(older: OldConfig, conversion: Conversion) -> Iterator[Problem]:
    for index, filesystem in enumerate(conversion.config.storage.filesystems):
        if (filesystem.path or "").startswith(f"{MOUNT_POINTS}/"):
            place = conversion.old_path(("storage", "filesystems", index))
            name = _name(older, place)
            message = f"files are written to the file system {name!r}, which has no mount point"
            yield Problem(
                place, message, hint=f"say where it is mounted: --mount {name}=/path", rule="unmounted-filesystem"
            )


def _name(older: OldConfig, place: Path) -> str:
    match place:
        case ("storage", "filesystems", int(index), *_):
            return older.storage.filesystems[index].name
    return "oem"


def _oem_files(older: OldConfig) -> Iterator[Problem]:
    """Version 3 has no `oem:` URLs."""
    for index, file in enumerate(older.storage.files):
        if file.contents.source.lower().startswith("oem:"):
            yield _oem_file(("storage", "files", index, "contents", "source"))
    ignition = older.ignition
    lists = {
        ("ignition", "config", "append"): ignition.config.append,
        ("ignition", "security", "tls", "certificateAuthorities"): ignition.security.tls.certificate_authorities,
    }
    for path, references in lists.items():
        for index, reference in enumerate(references):
            if reference.source.lower().startswith("oem:"):
                yield _oem_file((*path, index, "source"))
    if ignition.config.replace.source.lower().startswith("oem:"):
        yield _oem_file(("ignition", "config", "replace", "source"))


def _oem_file(path: Path) -> Problem:
    return Problem(
        path, "version 3 has no URLs of the OEM partition", hint="embed the file, or serve it by https", rule="oem-url"
    )


def _new_meanings(older: OldConfig) -> Iterator[Problem]:
    """Warnings about what means something else in version 3."""
    for index, file in enumerate(older.storage.files):
        if file.mode is None and not file.append:
            yield _unset_mode(("storage", "files", index), "0644")
    for index, directory in enumerate(older.storage.directories):
        if directory.mode is None:
            yield _unset_mode(("storage", "directories", index), "0755")
    for index, filesystem in enumerate(older.storage.filesystems):
        if filesystem.mount.is_set("create") and not filesystem.mount.create.force:
            message = "create without force fails in 2.x if there is any file system; version 3 keeps an equal one"
            yield Problem(
                ("storage", "filesystems", index, "mount", "create"), message, fatal=False, rule="changed-meaning"
            )
    if older.ignition.config.append:
        message = "append becomes merge: entries with the same path, name or device are merged, not written in turn"
        yield Problem(("ignition", "config", "append"), message, fatal=False, rule="changed-meaning")


def _unset_mode(place: Path, default: str) -> Problem:
    message = f"there is no mode: 2.x makes it 0000, version 3 {default}"
    return Problem((*place, "mode"), message, fatal=False, hint="write a mode", rule="missing-mode")
