"""Tables of the variants and versions: the Ignition spec, the traits and the refused fields of each.

Source: coreos/butane `config/config.go` and the `FieldFilters` of each variant.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import NamedTuple

from provision.config.model import Record, minor
from transpiler.butane.records import Butane, Fcos, OpenShift


class Trait(Enum):
    """A property that only some variants have; the value describes it. TRAITS says which variants have it."""

    RESERVED_LABELS = "labels of the image's own partitions need their numbers"
    ROOT_SIZE = "the root partition needs 8 GiB, or free space to grow"
    BOOT_DISK = "a partition without a number is allowed on the boot disk only"
    STRICT_BOOT_DEVICE = "boot_device must name a layout with a mirror, and a method with a LUKS device"
    MACHINE_CONFIG = "the Machine Config Operator must accept the values"
    NO_COMPRESSION = "contents are not compressed"
    NO_SPECIAL_MODES = "files have no setuid, setgid or sticky bit"
    NO_FORMAT_NONE = "a file system has a format"
    FIPS_LUKS = "FIPS mode chooses the cipher of encrypted volumes"
    GRUB_CONTENTS = "GRUB's configuration is written, not appended to"


class Range(NamedTuple):
    """Versions of one variant: from `since` on, and before `until`. None means no bound."""

    variant: str
    since: str | None = None
    until: str | None = None

    def has(self, variant: str, version: str) -> bool:
        """Whether a version of a variant is in the range. `-experimental` is ignored."""
        if variant != self.variant:
            return False
        at = version_numbers(version)
        return (self.since is None or version_numbers(self.since) <= at) and (
            self.until is None or at < version_numbers(self.until)
        )


class Refused(NamedTuple):
    """Fields, as dotted JSON names, that some variants do not allow, and the reason that Butane prints.

    A `zero_allowed` field may be present while it is empty.
    """

    fields: tuple[str, ...]
    reason: str
    ranges: tuple[Range, ...]
    zero_allowed: bool = False


class Variant(NamedTuple):
    """One version of one variant.

    `spec_minor` is the minor version of the Ignition spec that it makes, an index into VERSIONS. `refused` maps fields,
    as dotted JSON names, to the reason why they are not allowed; `zeroes_allowed` are those among them that may be
    present while they are empty.
    """

    name: str
    version: str
    spec_minor: int
    record: type[Record] = Butane
    traits: frozenset[Trait] = frozenset()
    refused: Mapping[str, str] = {}
    zeroes_allowed: frozenset[str] = frozenset()

    @property
    def makes_machine_config(self) -> bool:
        """Whether the result is a MachineConfig, not a bare config."""
        return self.record is OpenShift

    def since(self, spec: str) -> bool:
        """Whether the Ignition spec that it makes is this one (such as `3.3`) or a newer one."""
        return self.spec_minor >= minor(spec)


SPECS: Mapping[str, Mapping[str, str]] = {
    "fcos": {
        "1.0.0": "3.0",
        "1.1.0": "3.1",
        "1.2.0": "3.2",
        "1.3.0": "3.2",
        "1.4.0": "3.3",
        "1.5.0": "3.4",
        "1.6.0": "3.5",
        "1.7.0": "3.6",
        "1.8.0-experimental": "3.7",
    },
    "flatcar": {"1.0.0": "3.3", "1.1.0": "3.4", "1.2.0-experimental": "3.7"},
    "r4e": {"1.0.0": "3.3", "1.1.0": "3.4", "1.2.0-experimental": "3.7"},
    "fiot": {"1.0.0": "3.4", "1.1.0-experimental": "3.7"},
    "openshift": {
        **dict.fromkeys(("4.8.0", "4.9.0", "4.10.0", "4.11.0", "4.12.0", "4.13.0"), "3.2"),
        **dict.fromkeys(("4.14.0", "4.15.0", "4.16.0", "4.17.0", "4.18.0"), "3.4"),
        **dict.fromkeys(("4.19.0", "4.20.0", "4.21.0", "4.22.0"), "3.5"),
        "4.23.0-experimental": "3.7",
    },
}
"""Variant -> version, oldest first -> the Ignition spec that it makes."""

RECORDS: tuple[tuple[Range, type[Record]], ...] = (
    (Range("fcos", since="1.3"), Fcos),
    (Range("openshift"), OpenShift),
)
"""The record of a variant's configs, if it is not Butane's base."""

TRAITS: Mapping[Trait, tuple[Range, ...]] = {
    Trait.RESERVED_LABELS: (Range("fcos"), Range("openshift")),
    Trait.ROOT_SIZE: (Range("fcos", since="1.3"), Range("openshift")),
    Trait.BOOT_DISK: (Range("fcos", since="1.6"),),
    Trait.STRICT_BOOT_DEVICE: (Range("fcos", since="1.7"), Range("openshift", since="4.23")),
    Trait.MACHINE_CONFIG: (Range("openshift"),),
    Trait.NO_COMPRESSION: (Range("openshift", until="4.10"),),
    Trait.NO_SPECIAL_MODES: (Range("openshift", since="4.10"),),
    Trait.NO_FORMAT_NONE: (Range("openshift", since="4.14"),),
    Trait.FIPS_LUKS: (Range("openshift", until="4.20"),),
    Trait.GRUB_CONTENTS: (Range("openshift", since="4.23"),),
}

_USER_FIELDS = (
    'fields other than "name", "ssh_authorized_keys", and "password_hash" (4.13.0+)'
    " are not supported in this spec version"
)
_IMAGE_MODE = (Range("r4e"), Range("fiot"))
_OPENSHIFT = (Range("openshift"),)

REFUSED: tuple[Refused, ...] = (
    Refused(("kernelArguments",), "kernel argument customization is not supported in this spec version", _IMAGE_MODE),
    Refused(("storage.disks",), "disk customization is not supported in this spec version", _IMAGE_MODE),
    Refused(("storage.filesystems",), "filesystem customization is not supported in this spec version", _IMAGE_MODE),
    Refused(("storage.luks",), "luks is not supported in this spec version", _IMAGE_MODE),
    Refused(("storage.raid",), "raid is not supported in this spec version", _IMAGE_MODE),
    Refused(("storage.luks.clevis",), "clevis is not supported in this spec version", (Range("flatcar", until="1.2"),)),
    Refused(
        ("storage.luks.cex",),
        "cex is not currently supported on the target platform",
        (Range("flatcar", since="1.2"),),
    ),
    Refused(("passwd.groups",), "groups are not supported in this spec version", _OPENSHIFT),
    Refused(
        (
            "passwd.users.gecos",
            "passwd.users.groups",
            "passwd.users.homeDir",
            "passwd.users.noCreateHome",
            "passwd.users.noLogInit",
            "passwd.users.noUserGroup",
            "passwd.users.primaryGroup",
            "passwd.users.shell",
            "passwd.users.shouldExist",
            "passwd.users.system",
            "passwd.users.uid",
        ),
        _USER_FIELDS,
        _OPENSHIFT,
    ),
    Refused(("passwd.users.passwordHash",), _USER_FIELDS, (Range("openshift", until="4.13"),)),
    Refused(("storage.directories",), "directories are not supported in this spec version", _OPENSHIFT),
    Refused(("storage.files.append",), "appending to files is not supported in this spec version", _OPENSHIFT),
    Refused(
        ("storage.files.contents.httpHeaders",), "file HTTP headers are not supported in this spec version", _OPENSHIFT
    ),
    Refused(
        ("storage.files.contents.compression",),
        "file compression is not supported in this spec version",
        (Range("openshift", until="4.10"),),
        zero_allowed=True,
    ),
    Refused(("storage.links",), "links are not supported in this spec version", _OPENSHIFT),
    Refused(
        ("kernelArguments",),
        "this section cannot be used for kernel arguments in this spec version; use openshift.kernel_arguments instead",
        (Range("openshift", since="4.14"),),
    ),
)

REMOVED = {
    "rhcos": "rhcos variant has been removed; use openshift variant instead:"
    " https://coreos.github.io/butane/upgrading-openshift/"
}
"""Removed variant -> Butane's message about it. Only its version 0.1.0 existed."""


@cache
def table() -> Mapping[tuple[str, str], Variant]:
    """(name, version) -> variant, for all variants that can be translated; the versions of each are oldest first."""
    return {
        (name, version): _variant(name, version, minor(spec))
        for name, versions in SPECS.items()
        for version, spec in versions.items()
    }


def _variant(name: str, version: str, spec_minor: int) -> Variant:
    refused = [one for one in REFUSED if _any(one.ranges, name, version)]
    return Variant(
        name,
        version,
        spec_minor,
        next((record for versions, record in RECORDS if versions.has(name, version)), Butane),
        frozenset(trait for trait, ranges in TRAITS.items() if _any(ranges, name, version)),
        {field: one.reason for one in refused for field in one.fields},
        frozenset(field for one in refused if one.zero_allowed for field in one.fields),
    )


def _any(ranges: tuple[Range, ...], name: str, version: str) -> bool:
    return any(one.has(name, version) for one in ranges)


@cache
def version_numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version such as `4.23.0-experimental` or `4.23`."""
    return tuple(int(number) for number in version.split(".")[:2])
