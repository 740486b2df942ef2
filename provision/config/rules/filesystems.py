"""Rules about file systems."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import FORMATS, Filesystem
from provision.config.model import minor
from provision.config.problems import Problem
from provision.config.rules.declare import FILLED, NOT_EMPTY, TRUE, Keywords, any_of, has, never, rule, versioned_rule
from provision.config.rules.files_and_links import ABSOLUTE_PATH, PATH_OR_EMPTY, bad_path, choice_hint

MAX_VIRTIOFS_TAG = 36
MAX_LABEL = {"ext4": 16, "btrfs": 256, "xfs": 12, "swap": 15, "vfat": 11}
"""The longest label of each format, in bytes, by the manual pages of the mkfs tools (swap by trial)."""


def _filesystem_keywords(version: int) -> Keywords:
    described = [has(name, FILLED) for name in ("path", "label", "uuid")]
    described += [has("wipeFilesystem", TRUE), has("options", NOT_EMPTY)]
    if version >= _MOUNT_OPTIONS:
        described.append(has("mountOptions", NOT_EMPTY))
    path: Keywords = {"properties": {"device": ABSOLUTE_PATH}}
    if version >= minor(FORMATS["virtiofs"]):
        tag = {"properties": {"device": {"maxLength": MAX_VIRTIOFS_TAG}}}
        path = {"if": has("format", {"const": "virtiofs"}), "then": tag, "else": path}
    labels = (
        {"if": has("format", {"const": kind}), "then": {"properties": {"label": {"maxLength": longest}}}}
        for kind, longest in MAX_LABEL.items()
    )
    return {
        "required": ["device"],
        "properties": {"device": {"minLength": 1}, "path": PATH_OR_EMPTY},
        "allOf": [{"if": any_of(*described), "then": has("format", FILLED)}, path, *labels],
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
        yield Problem(("format",), "invalid filesystem format", hint=choice_hint(filesystem.format, FORMATS, version))


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


RULES = (filesystem_is_sound, virtiofs_has_no_device)
