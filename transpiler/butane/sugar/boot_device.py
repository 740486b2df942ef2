"""`boot_device` and `grub`: the disk that a system starts from, and its boot loader.

Sizes and types of partitions are those of Fedora CoreOS's image. Source: coreos/butane `config/fcos/*/translate.go`.
"""

from __future__ import annotations

from typing import Any

from provision.config.format import Clevis, Config, Disk, File, Filesystem, Luks, Partition, Raid, Resource, Storage
from provision.config.problems import Path, Problem
from transpiler.butane.records import BootDevice, BootLuks, Grub, GrubUser
from transpiler.butane.source_map import Draft, SourcePath
from transpiler.butane.sugar.data_url import data_url
from transpiler.butane.sugar.sugar_input import SugarInput

USER_CFG = "/boot/grub2/user.cfg"

_BIOS = ("bios", 1, "21686148-6449-6E6F-744E-656564454649")
_PREP = ("prep", 4, "9E1A2D38-C612-4316-AA26-8B49521E5A8B")
_ESP = ("esp", 127, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
_RESERVED = ("reserved", 1, "8DA63339-0007-60C0-C436-083AC8230908")

_LAYOUTS = {
    "x86_64": (_BIOS, _ESP),
    "aarch64": (_RESERVED, _ESP),
    "ppc64le": (_PREP, _RESERVED),
}
"""Layout -> the first two partitions of a mirrored disk (name, MiB, type). s390x cannot be mirrored."""

_S390X_PARTITION = {"s390x-eckd": "2", "s390x-zfcp": "4"}

_AT: Path = ("boot_device",)

Generated = tuple[Config, dict[Path, SourcePath]]
"""A config over which the author's is merged, and the author's paths of its parts."""


def boot_device(source: SugarInput, draft: Draft) -> tuple[Draft, list[Problem]]:
    """Expand `boot_device`: returns the draft with a mirrored or encrypted root, and no problems."""
    device = getattr(source.record, "boot_device", None)
    if device is None:
        return draft, []
    config, origins = _root(device)
    return (draft if config.is_empty else draft.merged_over(config, origins)), []


def grub(source: SugarInput, draft: Draft) -> tuple[Draft, list[Problem]]:
    """Expand `grub.users`: returns the draft with the passwords of the boot loader, and no problems."""
    loader = getattr(source.record, "grub", None)
    if loader is None or not source.variant.since("3.4"):
        return draft, []
    config, origins = _superusers(loader, gzip=source.gzip) if loader.users else (Config(), {})
    return draft.merged_over(config, origins), []


def _root(device: BootDevice) -> Generated:
    """The config of a mirrored or encrypted root; empty if neither is wanted."""
    mirrored = bool(device.mirror.devices)
    luks = device.luks
    encrypted = bool(luks.tpm2 or luks.tang or luks.cex.enabled)
    if not mirrored and not encrypted:
        return Config(), {}
    origins: dict[Path, SourcePath] = {}
    filesystems: list[Filesystem] = []
    parts: dict[str, Any] = {}
    if mirrored:
        parts["disks"], parts["raid"] = _mirror(device, filesystems, origins)
    if encrypted:
        parts["luks"] = (_encrypted(luks, _encrypted_device(device), origins),)
    root = "/dev/mapper/root" if encrypted else "/dev/md/md-root"
    origins["storage", "filesystems", len(filesystems)] = origins["storage", "filesystems"] = SourcePath(_AT)
    filesystems.append(_filesystem(root, "xfs", "root"))
    return Config(storage=Storage(**parts, filesystems=tuple(filesystems))), origins


def _mirror(
    device: BootDevice, filesystems: list[Filesystem], origins: dict[Path, SourcePath]
) -> tuple[tuple[Disk, ...], tuple[Raid, ...]]:
    """The disks and arrays of a mirror. Adds all file systems but the root to the list, and the paths to `origins`."""
    first = _LAYOUTS.get(device.layout or "x86_64", (_RESERVED, _RESERVED))
    disks = []
    for index, name in enumerate(device.mirror.devices):
        number = index + 1
        source = SourcePath((*_AT, "mirror", "devices", index))
        disks.append(Disk(device=name, partitions=_partitions(first, number), wipe_table=True))
        origins["storage", "disks", index] = source
        if _ESP in first:
            origins["storage", "filesystems", len(filesystems)] = source
            esp = f"esp-{number}"
            filesystems.append(_filesystem(f"/dev/disk/by-partlabel/{esp}", "vfat", esp))
    origins["storage", "disks"] = SourcePath((*_AT, "mirror", "devices"))
    mirror = SourcePath((*_AT, "mirror"))
    origins["storage", "raid"] = origins["storage", "raid", 0] = origins["storage", "raid", 1] = mirror
    origins["storage", "filesystems", len(filesystems)] = mirror
    filesystems.append(_filesystem("/dev/md/md-boot", "ext4", "boot"))
    count = len(disks)
    # Metadata 1.0 is at the end of the partition, so that GRUB on BIOS can read it without support for RAID.
    boot = Raid(devices=_members("boot", count), level="raid1", name="md-boot", options=("--metadata=1.0",))
    return tuple(disks), (boot, Raid(devices=_members("root", count), level="raid1", name="md-root"))


def _partitions(first: tuple[tuple[str, int, str], ...], number: int) -> tuple[Partition, ...]:
    typed = [Partition(label=f"{name}-{number}", number=0, size_mib=size, type_guid=guid) for name, size, guid in first]
    return (
        *typed,
        Partition(label=f"boot-{number}", number=0, size_mib=384),
        Partition(label=f"root-{number}", number=0),
    )


def _members(label: str, count: int) -> tuple[str, ...]:
    return tuple(f"/dev/disk/by-partlabel/{label}-{number}" for number in range(1, count + 1))


def _filesystem(device: str, kind: str, label: str) -> Filesystem:
    return Filesystem(device=device, format=kind, label=label, wipe_filesystem=True)


def _encrypted_device(device: BootDevice) -> str:
    layout = device.layout or ""
    if layout in _S390X_PARTITION:
        return (device.luks.device or "") + _S390X_PARTITION[layout]
    return "/dev/md/md-root" if device.mirror.devices else "/dev/disk/by-partlabel/root"


def _encrypted(luks: BootLuks, device: str, origins: dict[Path, SourcePath]) -> Luks:
    source: Path = (*_AT, "luks")
    volume: Path = ("storage", "luks", 0)
    origins[volume] = origins["storage", "luks"] = SourcePath(source)
    origins[(*volume, "discard")] = SourcePath((*source, "discard"))
    values: dict[str, Any] = {} if luks.discard is None else {"discard": luks.discard}
    if luks.cex.enabled:
        values["cex"] = luks.cex
        origins[(*volume, "cex")] = SourcePath((*source, "cex"), whole=False)
    else:
        names = ("tang", "threshold", "tpm2")
        values["clevis"] = Clevis(**{name: getattr(luks, name) for name in names if luks.is_set(name)})
        origins[(*volume, "clevis")] = SourcePath(source, whole=False)
    return Luks(device=device, label="luks-root", name="root", wipe_volume=True, **values)


def _superusers(loader: Grub, *, gzip: bool) -> Generated:
    """The config that appends the superusers to GRUB's configuration."""
    names = " ".join(user.name for user in loader.users)
    lines = [f"password_pbkdf2 {user.name} {_text(user)}" for user in loader.users]
    text = "\n".join(["# Generated by Butane", "", f'set superusers="{names}"', *lines, ""])
    url = data_url(text.encode("utf-8", "surrogateescape"), None, gzip=gzip)
    file = File(path=USER_CFG, append=(Resource(**url._asdict()),))
    boot = Filesystem(device="/dev/disk/by-label/boot", format="ext4", path="/boot")
    source = SourcePath(("grub", "users"))
    places: tuple[Path, ...] = (("storage", "files"), ("storage", "filesystems"))
    return Config(storage=Storage(files=(file,), filesystems=(boot,))), dict.fromkeys(places, source)


def _text(user: GrubUser) -> str:
    return "" if user.password_hash is None else user.password_hash.reveal()
