"""An old config -> the one model, with the meaning that it has for Ignition 2.x."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from provision.config.format import (
    Config,
    ConfigResource,
    Disk,
    Filesystem,
    Ignition,
    IgnitionConfig,
    Partition,
    Proxy,
    Raid,
    Security,
    Storage,
    Timeouts,
    Tls,
    Verification,
)
from provision.config.model import NEWEST, VERSIONS
from provision.config.old_versions.accounts_and_units import Origins, convert_accounts, convert_units
from provision.config.old_versions.files_and_networkd import convert_nodes, headers
from provision.config.old_versions.format import (
    OldConfig,
    OldFilesystem,
    OldIgnition,
    OldMount,
    OldPartition,
    OldReference,
)
from provision.config.problems import Path, Problem

SYSROOT = "/sysroot"
"""Where the target is mounted in the initramfs of every system with Ignition 2.x."""

MOUNT_POINTS = "/run/ignition-filesystems"
"""Directory in the target with the mount points of file systems that files are written to."""

OEM = OldFilesystem(name="oem", mount=OldMount(device="/dev/disk/by-label/OEM", format="ext4"))
"""The file system `oem`, which the initramfs of Container Linux defines."""


class Conversion(NamedTuple):
    """The new config, what of the old one cannot be carried out, and where things stood in it.

    `origins`: path in the new config -> path in the old one, for elements of lists.
    """

    config: Config
    problems: tuple[Problem, ...]
    origins: Mapping[Path, Path]

    def old_path(self, path: Path) -> Path:
        """The path in the old config of what has this path in the new one."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return (*self.origins[path[:length]], *path[length:])
        return path


def convert(old: OldConfig, mounts: Mapping[str, str] | None = None) -> Conversion:
    """Convert a config that is in the form of 2.4. The new config knows the old one (`Config.older`).

    `mounts`: file system -> where it is mounted in the target, for those whose place is known.
    """
    origins: Origins = {}
    problems: list[Problem] = []
    mount_points = _mount_points(old, problems) | (dict(mounts) if mounts else {})
    nodes = convert_nodes(old, mount_points)
    for section, places in nodes.places().items():
        origins.update({("storage", section, index): place for index, place in enumerate(places)})
    storage = Storage(
        directories=tuple(node for node, _ in nodes.directories.values()),
        disks=_disks(old, origins),
        files=tuple(node for node, _ in nodes.files.values()),
        filesystems=_filesystems(old, mount_points, origins),
        links=tuple(node for node, _ in nodes.links.values()),
        raid=_raid(old, origins),
    )
    config = Config(
        ignition=_ignition(old.ignition),
        passwd=convert_accounts(old, origins),
        storage=storage,
        systemd=convert_units(old, origins),
    )
    return Conversion(config.changed(older=old), (*problems, *nodes.problems), origins)


def _ignition(old: OldIgnition) -> Ignition:
    config = IgnitionConfig(merge=tuple(map(_reference, old.config.append)))
    if old.config.is_set("replace"):
        config = config.changed(replace=_reference(old.config.replace))
    proxy = Proxy(
        http_proxy=old.proxy.http_proxy or None,
        https_proxy=old.proxy.https_proxy or None,
        no_proxy=old.proxy.no_proxy,
    )
    authorities = tuple(map(_reference, old.security.tls.certificate_authorities))
    return Ignition(
        config=config,
        proxy=proxy,
        security=Security(tls=Tls(certificate_authorities=authorities)),
        timeouts=Timeouts(http_response_headers=old.timeouts.http_response_headers, http_total=old.timeouts.http_total),
        version=VERSIONS[NEWEST],
    )


def _reference(old: OldReference) -> ConfigResource:
    return ConfigResource(
        source=old.source, http_headers=headers(old), verification=Verification(hash=old.verification.hash)
    )


def _disks(old: OldConfig, origins: Origins) -> tuple[Disk, ...]:
    """The disks, each device once: its entries are carried out one after the other."""
    disks: dict[str, Disk] = {}
    for index, disk in enumerate(old.storage.disks):
        made = disks.get(disk.device, Disk(device=disk.device))
        at = list(disks).index(disk.device) if disk.device in disks else len(disks)
        for number in range(len(disk.partitions)):
            place: Path = ("storage", "disks", index, "partitions", number)
            origins["storage", "disks", at, "partitions", len(made.partitions) + number] = place
        origins["storage", "disks", at] = ("storage", "disks", index)
        disks[disk.device] = made.changed(
            partitions=(*made.partitions, *map(_partition, disk.partitions)),
            wipe_table=True if disk.wipe_table or made.wipe_table else None,
        )
    return tuple(disks.values())


def _partition(old: OldPartition) -> Partition:
    return Partition(
        guid=old.guid or None,
        label=old.label,
        number=old.number,
        should_exist=old.should_exist,
        size_mib=old.size_mib,
        size_sectors=old.size,
        start_mib=old.start_mib,
        start_sectors=old.start,
        type_guid=old.type_guid or None,
        wipe_partition_entry=old.wipe_partition_entry or None,
    )


def _raid(old: OldConfig, origins: Origins) -> tuple[Raid, ...]:
    arrays: dict[str, Raid] = {}
    for index, raid in enumerate(old.storage.raid):
        arrays[raid.name] = Raid(
            devices=raid.devices, level=raid.level, name=raid.name, options=raid.options, spares=raid.spares or None
        )
        origins["storage", "raid", list(arrays).index(raid.name)] = ("storage", "raid", index)
    return tuple(arrays.values())


def _defined(old: OldConfig) -> dict[str, OldFilesystem]:
    """The file systems by name, the last one of a name; `oem` is there if nodes refer to it."""
    defined = {filesystem.name: filesystem for filesystem in old.storage.filesystems}
    return {"oem": OEM, **defined} if "oem" in _used(old) else defined


def _used(old: OldConfig) -> set[str]:
    storage = old.storage
    return {node.filesystem for node in (*storage.files, *storage.directories, *storage.links)}


def _mount_points(old: OldConfig, problems: list[Problem]) -> dict[str, str]:
    """File system -> its path in the target. The one that is named `root` is the target's root."""
    points = {"root": "/"}
    used, devices = _used(old), dict[str, str]()
    for name, filesystem in _defined(old).items():
        if name == "root" or name not in used:
            continue
        if filesystem.path is None:
            device = filesystem.mount.device
            points[name] = devices.setdefault(device, f"{MOUNT_POINTS}/{len(devices)}")
        elif filesystem.path == SYSROOT or filesystem.path.startswith(f"{SYSROOT}/"):
            points[name] = filesystem.path.removeprefix(SYSROOT) or "/"
        else:
            index = old.storage.filesystems.index(filesystem)
            message = f"{filesystem.path} is not in the target, which is mounted at {SYSROOT}"
            problems.append(Problem(("storage", "filesystems", index, "path"), message, rule="path-outside-target"))
            points[name] = filesystem.path
    return points


def _filesystems(old: OldConfig, points: Mapping[str, str], origins: Origins) -> tuple[Filesystem, ...]:
    """The file systems on devices, each device once; those that files are written to are mounted."""
    made: dict[str, Filesystem] = {}
    listed: list[tuple[Path, OldFilesystem]] = [
        (("storage", "filesystems", index, "mount"), one) for index, one in enumerate(old.storage.filesystems)
    ]
    if _defined(old).get("oem") is OEM:
        listed.append((("storage", "files"), OEM))
    for place, filesystem in listed:
        if not filesystem.is_set("mount"):
            continue
        mount = filesystem.mount
        earlier = made.get(mount.device)
        point = points.get(filesystem.name) if filesystem.name != "root" else None
        if point is None and earlier is not None:
            point = earlier.path
        made[mount.device] = Filesystem(
            device=mount.device,
            format=mount.format,
            label=mount.label,
            options=mount.create.options if mount.is_set("create") else mount.options,
            path=point,
            uuid=mount.uuid,
            wipe_filesystem=True if mount.wipe_filesystem or mount.create.force else None,
        )
        origins["storage", "filesystems", list(made).index(mount.device)] = place
    return tuple(made.values())
