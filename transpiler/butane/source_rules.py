"""Rules about the author's records, above all the fields that only Butane's YAML has. They run before any sugar.

They run in Butane's order: the rules of a record first, then those of its fields, element by element.
Source: coreos/butane `base/*/validate.go`, `config/*/*/validate.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from provision.config import format as ignition_format
from provision.config.model import VERSIONS, Record
from provision.config.problems import Path, Problem
from provision.config.validate import EMPTY, INVALID, NO_VERSION, validate
from transpiler.butane import records
from transpiler.butane.sugar.quadlets import template_of
from transpiler.butane.variants import Trait, Variant

ONE_SOURCE = "only one of the following can be set: inline, local, source"
ONE_TEXT = "only one of the following can be set: contents, contents_local"
INLINE = "inline-config"
"""The rule of problems of inline configs, which Butane reports with the paths that they have inside."""

CEX_ARGUMENT = "rd.luks.key=/etc/luks/cex.key"
BOOT_DISK = "/dev/disk/by-id/coreos-boot-disk"

Rule = Callable[[Any, Path, Variant], Iterator[Problem]]


class SourceRule(NamedTuple):
    """A rule about one kind of record. With a `trait`, it applies only to variants that have the trait."""

    check: Rule
    trait: Trait | None = None


Rules = Mapping[type[Record], tuple[SourceRule, ...]]


def source_problems(record: Record, variant: Variant, rules: Rules | None = None) -> list[Problem]:
    """All problems of a source with the author's paths, by `rules` (default: the table RULES)."""
    return list(_walk(record, (), variant, RULES if rules is None else rules))


def _walk(record: Record, path: Path, variant: Variant, rules: Rules) -> Iterator[Problem]:
    kind = next((kind for kind in type(record).__mro__ if kind in rules), None)
    for rule in rules[kind] if kind else ():
        if rule.trait is None or rule.trait in variant.traits:
            yield from rule.check(record, path, variant)
    written = record.__dict__
    for field in type(record).FIELDS:
        if field.record is None or (field.name not in written and field.record is not records.Metadata):
            continue
        value = getattr(record, field.name)
        if field.many:
            for index, one in enumerate(value):
                yield from _walk(one, (*path, field.name, index), variant, rules)
        else:
            yield from _walk(value, (*path, field.name), variant, rules)


def _reused_partitions(config: records.Fcos, _path: Path, _variant: Variant) -> Iterator[Problem]:
    message = (
        "partitions cannot be reused by label; number must be specified except on boot disk"
        f" ({BOOT_DISK}) or when wipe_table is true"
    )
    for index, disk in enumerate(config.storage.disks):
        if disk.device == BOOT_DISK or disk.wipe_table or disk.device in config.boot_device.mirror.devices:
            continue
        for number, partition in enumerate(disk.partitions):
            if partition.number == 0 and partition.label is not None:
                path = ("storage", "disks", index, "partitions", number, "number")
                yield Problem(path, message, fatal=False, hint="give the partition a number, or wipe the table")


def _mount_points(config: records.Fcos, _path: Path, _variant: Variant) -> Iterator[Problem]:
    for index, filesystem in enumerate(config.storage.filesystems):
        path = filesystem.path
        if filesystem.with_mount_unit and path is not None and not re.match(r"/(etc|var)(/|\Z)", path):
            message = "path must be under /etc or /var if with_mount_unit is true"
            yield Problem(("storage", "filesystems", index, "path"), message)


def _cex_argument(config: records.OpenShift, _path: Path, _variant: Variant) -> Iterator[Problem]:
    message = f"'{CEX_ARGUMENT}' must be set as kernel argument when CEX is enabled for the boot device"
    named = any(volume.cex.enabled and volume.name == "root" for volume in config.storage.luks)
    if CEX_ARGUMENT not in config.openshift.kernel_arguments:
        for wanted in (config.boot_device.luks.cex.enabled, named):
            if wanted:
                yield Problem(("openshift", "kernel_arguments"), message, hint=f"add {CEX_ARGUMENT}")


def _resource(resource: records.Resource, path: Path, variant: Variant) -> Iterator[Problem]:
    given = [name for name in ("local", "inline", "source") if getattr(resource, name) is not None]
    if len(given) > 1:
        at = given[-1] if variant.since("3.1") else "inline"
        yield Problem((*path, at), ONE_SOURCE, hint=f"keep one of {', '.join(given)}")
    elif given == ["inline"] and path[:2] == ("ignition", "config") and variant.since("3.1"):
        yield from _config_within(resource.inline or "", path, variant)


def _config_within(text: str, path: Path, variant: Variant) -> Iterator[Problem]:
    """The problems of an inline config, with paths inside it, if it has the version that this variant makes.

    The rule of those for which own reports have better places is INLINE.
    """
    validated = validate(text.encode("utf-8", "surrogateescape"))
    if validated.version == variant.spec_minor:
        yield from (problem._replace(rule=INLINE) for problem in validated.problems)
    if validated.error == NO_VERSION:
        yield Problem(("ignition", "version"), NO_VERSION, rule=INLINE)
    elif validated.version not in {None, variant.spec_minor} or validated.error == "unsupported config version":
        message = "skipping validation for the merge/replace ignition config due to an unkown version"
        hint = f"only {VERSIONS[variant.spec_minor]} is checked here"
        yield Problem((*path, "version"), message, fatal=False, hint=hint)
    elif validated.error == EMPTY:
        yield Problem((), "unexpected end of JSON input", rule=INLINE)
        yield Problem((*path, "inline"), INVALID, rule=INLINE)
    elif validated.version is None:
        yield from (problem._replace(path=(), at=None, rule=INLINE) for problem in validated.problems[:1])
        yield Problem((*path, "inline"), INVALID, rule=INLINE)


def _filesystem(filesystem: records.Filesystem, path: Path, variant: Variant) -> Iterator[Problem]:
    if not filesystem.with_mount_unit:
        return
    no_path = "path is required if with_mount_unit is true and format is not swap"
    no_format = "format is required if with_mount_unit is true"
    early = not variant.since("3.3")
    if early and not filesystem.path:
        yield Problem((*path, "path"), no_path)
    if not filesystem.format:
        yield Problem((*path, "format"), no_format)
    elif not early and filesystem.format != "swap" and not filesystem.path:
        yield Problem((*path, "path"), no_path)


def _file(file: records.File, path: Path, _variant: Variant) -> Iterator[Problem]:
    return _decimal_mode(file.mode, path, directory=False)


def _directory(directory: ignition_format.Directory, path: Path, _variant: Variant) -> Iterator[Problem]:
    return _decimal_mode(directory.mode, path, directory=True)


def _decimal_mode(mode: int | None, path: Path, *, directory: bool) -> Iterator[Problem]:
    if mode is None or not 0 <= mode <= 7777 or set(str(mode)) & {"8", "9"}:
        return
    if not is_reasonable_mode(mode, directory=directory) and is_reasonable_mode(int(str(mode), 8), directory=directory):
        message = "unreasonable mode would be reasonable if specified in octal; remember to add a leading zero"
        hint = f"decimal {mode} is octal {mode:04o}: write {mode:04d}"
        yield Problem((*path, "mode"), message, fatal=False, hint=hint)


def is_reasonable_mode(mode: int, *, directory: bool) -> bool:
    """Whether a mode is usual: the owner has at least the rights of the group, and the group those of others."""
    if mode == 0:
        return True
    seen = 0
    for shift in (0, 3, 6):
        bits = mode >> shift & 7
        newly_executable = bits & 1 and seen & 4 and not seen & 1
        if seen & ~bits or newly_executable or (bits & 3 and not bits & 4):
            return False
        seen |= bits
    if not seen & 4:
        return False
    if directory:
        return bool(seen & 1) and not mode & 0o4000 and (not mode & 0o3000 or bool(seen & 2))
    special = not mode & 0o6000 or (bool(seen & 1) and not mode & 0o002)
    return special and not mode & 0o1000


def _tree(tree: records.Tree, path: Path, _variant: Variant) -> Iterator[Problem]:
    if not tree.local:
        yield Problem(path, "local is required")


def _unit(unit: records.Unit | records.Dropin | records.Quadlet, path: Path, _variant: Variant) -> Iterator[Problem]:
    if unit.contents is not None and unit.contents_local is not None:
        yield Problem((*path, "contents_local"), ONE_TEXT)


QUADLETS = (".container", ".volume", ".network", ".kube", ".image", ".build", ".pod", ".artifact")


def _quadlet(quadlet: records.Quadlet, path: Path, variant: Variant) -> Iterator[Problem]:
    if not quadlet.name.endswith(QUADLETS):
        known = ", ".join(QUADLETS[:-1])
        message = f"unsupported file extension for quadlet: must be one of {known}, or {QUADLETS[-1]}"
        yield Problem((*path, "name"), message)
    elif template_of(quadlet.name) is None:
        yield from _unit(quadlet, path, variant)
    else:
        for name in ("contents", "contents_local"):
            if getattr(quadlet, name) is not None:
                yield Problem((*path, name), "template instances cannot have contents or contents_local")


def _boot_device(device: records.BootDevice, path: Path, variant: Variant) -> Iterator[Problem]:
    mirrored, luks = bool(device.mirror.devices), device.luks
    if mirrored and device.layout is None:
        message = "boot_device.layout should be specified when boot_device.mirror is specified"
        fatal = Trait.STRICT_BOOT_DEVICE in variant.traits
        yield Problem((*path, "mirror"), message, fatal=fatal, hint="add `layout: x86_64` to boot_device")
    if device.layout is not None:
        for message in _layout(device, device.layout, variant):
            yield Problem((*path, "layout"), message)
    if luks.cex.enabled:
        mismatch = "when using cex the targeted architecture must match s390x"
        if device.layout is None:
            yield Problem((*path, "luks", "cex"), mismatch)
        elif not device.layout.startswith("s390x"):
            yield Problem((*path, "layout"), mismatch)
        if luks.tang or luks.tpm2:
            yield Problem((*path, "luks"), "cannot use cex with clevis")
    yield from _mirror(device.mirror, (*path, "mirror"), variant)


def _layout(device: records.BootDevice, layout: str, variant: Variant) -> Iterator[str]:
    known = sorted(name for name, since in records.LAYOUTS.items() if variant.since(since))
    if layout not in known:
        yield f"layout must be one of: {', '.join(known)}"
    wanted = {"s390x-eckd": r"/dev/dasd[a-z]\Z", "s390x-zfcp": r"/dev/sd[a-z]\Z"}.get(layout)
    if wanted and layout in known:
        if not device.luks.device:
            yield "device is required for layouts: s390x-eckd, s390x-zfcp"
        elif not re.search(wanted, device.luks.device):
            yield ("device name must start with /dev/dasd on s390x-eckd layout or /dev/sd on s390x-zfcp layout")
    if layout.startswith("s390x") and device.mirror.devices and variant.since("3.5"):
        yield "mirroring not supported on layouts: s390x-eckd, s390x-zfcp, s390x-virt"


def _boot_luks(luks: records.BootLuks, path: Path, variant: Variant) -> Iterator[Problem]:
    chosen = any(not tang.is_empty for tang in luks.tang) or luks.tpm2 or luks.cex.enabled
    if Trait.STRICT_BOOT_DEVICE in variant.traits and luks.device and not chosen:
        hint = "add tpm2, tang or cex"
        yield Problem((*path, "luks"), "no method specified for luks", hint=hint)


def _mirror(mirror: records.Mirror, path: Path, _variant: Variant) -> Iterator[Problem]:
    if len(mirror.devices) == 1:
        yield Problem((*path, "devices"), "mirroring requires at least two devices")


def _grub_user(user: records.GrubUser, path: Path, _variant: Variant) -> Iterator[Problem]:
    for name in ("name", "password_hash"):
        if not getattr(user, name):
            yield Problem((*path, name), f'field "{name}" is required')


def _metadata(metadata: records.Metadata, path: Path, _variant: Variant) -> Iterator[Problem]:
    if not metadata.name:
        yield Problem((*path, "name"), "metadata.name is required")
    if not metadata.labels.texts.get(records.ROLE_LABEL):
        hint = f"add `{records.ROLE_LABEL}: worker` (or another role) to metadata.labels"
        yield Problem((*path, "labels"), f"{records.ROLE_LABEL} label is required", hint=hint)


def _openshift(fields: records.OpenShiftFields, path: Path, _variant: Variant) -> Iterator[Problem]:
    if fields.kernel_type not in {None, "", "default", "realtime"}:
        yield Problem((*path, "kernel_type"), 'must be empty, "default", or "realtime"')


RULES: Rules = {
    records.Fcos: (SourceRule(_reused_partitions, Trait.BOOT_DISK), SourceRule(_mount_points, Trait.BOOT_DISK)),
    records.OpenShift: (SourceRule(_cex_argument),),
    records.Resource: (SourceRule(_resource),),
    records.ConfigResource: (SourceRule(_resource),),
    records.Filesystem: (SourceRule(_filesystem),),
    records.File: (SourceRule(_file),),
    ignition_format.Directory: (SourceRule(_directory),),
    records.Tree: (SourceRule(_tree),),
    records.Unit: (SourceRule(_unit),),
    records.Dropin: (SourceRule(_unit),),
    records.Quadlet: (SourceRule(_quadlet),),
    records.BootDevice: (SourceRule(_boot_device),),
    records.BootLuks: (SourceRule(_boot_luks),),
    records.Mirror: (SourceRule(_mirror),),
    records.GrubUser: (SourceRule(_grub_user),),
    records.Metadata: (SourceRule(_metadata),),
    records.OpenShiftFields: (SourceRule(_openshift),),
}
