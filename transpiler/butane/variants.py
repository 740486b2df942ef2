"""Which variants and versions there are, what each builds on, and what it does not allow: a table.

Source: coreos/butane `config/config.go` and the `FieldFilters` of each variant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from provision.config.model import Record
from transpiler.butane.records import Butane, Fcos, OpenShift


class Variant(NamedTuple):
    """One version of one variant.

    `spec_minor` is the minor version of the Ignition spec that it makes, an index into VERSIONS. `refused` maps fields
    of that spec, as dotted JSON names, to the reason why the variant's systems cannot have them; `zeroes_allowed` are
    those among them that may be present but empty. `traits` name what else only some variants do, see `source_rules`,
    `sugar` and `variant_checks`.
    """

    name: str
    version: str
    spec_minor: int
    record: type[Record] = Butane
    traits: frozenset[str] = frozenset()
    refused: Mapping[str, str] = {}
    zeroes_allowed: frozenset[str] = frozenset()

    @property
    def wraps(self) -> bool:
        """Whether the result is a MachineConfig, not a bare config."""
        return self.record is OpenShift


GROUPS = "groups are not supported in this spec version"
USER_FIELDS = (
    'fields other than "name", "ssh_authorized_keys", and "password_hash" (4.13.0+)'
    " are not supported in this spec version"
)
REMOVED = {
    "rhcos": "rhcos variant has been removed; use openshift variant instead:"
    " https://coreos.github.io/butane/upgrading-openshift/"
}
"""Variants that are gone, with what their users are told. Only version 0.1.0 of them was ever known."""

_NO_CLEVIS = {"storage.luks.clevis": "clevis is not supported in this spec version"}
_NO_CEX = {"storage.luks.cex": "cex is not currently supported on the target platform"}
_IMAGE_MODE = {
    "kernelArguments": "kernel argument customization is not supported in this spec version",
    "storage.disks": "disk customization is not supported in this spec version",
    "storage.filesystems": "filesystem customization is not supported in this spec version",
    "storage.luks": "luks is not supported in this spec version",
    "storage.raid": "raid is not supported in this spec version",
}
_MACHINE_CONFIG = {
    "passwd.groups": GROUPS,
    **{
        f"passwd.users.{field}": USER_FIELDS
        for field in (
            "gecos",
            "groups",
            "homeDir",
            "noCreateHome",
            "noLogInit",
            "noUserGroup",
            "primaryGroup",
            "shell",
            "shouldExist",
            "system",
            "uid",
        )
    },
    "storage.directories": "directories are not supported in this spec version",
    "storage.files.append": "appending to files is not supported in this spec version",
    "storage.files.contents.httpHeaders": "file HTTP headers are not supported in this spec version",
    "storage.links": "links are not supported in this spec version",
}
_NO_PASSWORD = {"passwd.users.passwordHash": USER_FIELDS}
_NO_COMPRESSION = {"storage.files.contents.compression": "file compression is not supported in this spec version"}
_NO_KERNEL_ARGUMENTS = {
    "kernelArguments": "this section cannot be used for kernel arguments in this spec version;"
    " use openshift.kernel_arguments instead"
}


def _fcos() -> Iterator[Variant]:
    for minor, form in enumerate((0, 1, 2)):
        yield Variant("fcos", f"1.{minor}.0", form, Butane, frozenset({"reserved-labels"}))
    boot = {"reserved-labels", "root-size"}
    yield Variant("fcos", "1.3.0", 2, Fcos, frozenset(boot))
    yield Variant("fcos", "1.4.0", 3, Fcos, frozenset(boot))
    yield Variant("fcos", "1.5.0", 4, Fcos, frozenset(boot))
    yield Variant("fcos", "1.6.0", 5, Fcos, frozenset({*boot, "boot-disk"}))
    strict = frozenset({*boot, "boot-disk", "strict-boot-device"})
    yield Variant("fcos", "1.7.0", 6, Fcos, strict)
    yield Variant("fcos", "1.8.0-experimental", 7, Fcos, strict)


def _others() -> Iterator[Variant]:
    yield Variant("flatcar", "1.0.0", 3, refused=_NO_CLEVIS)
    yield Variant("flatcar", "1.1.0", 4, refused=_NO_CLEVIS)
    yield Variant("flatcar", "1.2.0-experimental", 7, refused=_NO_CEX)
    yield Variant("r4e", "1.0.0", 3, refused=_IMAGE_MODE)
    yield Variant("r4e", "1.1.0", 4, refused=_IMAGE_MODE)
    yield Variant("r4e", "1.2.0-experimental", 7, refused=_IMAGE_MODE)
    yield Variant("fiot", "1.0.0", 4, refused=_IMAGE_MODE)
    yield Variant("fiot", "1.1.0-experimental", 7, refused=_IMAGE_MODE)


def _openshift() -> Iterator[Variant]:
    for minor in range(8, 24):
        form = 2 if minor < 14 else 4 if minor < 19 else 5 if minor < 23 else 7
        refused = dict(_MACHINE_CONFIG)
        traits = {"reserved-labels", "root-size", "machine-config"}
        if minor < 10:
            refused |= _NO_COMPRESSION
            traits.add("no-compression")
        else:
            traits.add("no-special-modes")
        if minor < 13:
            refused |= _NO_PASSWORD
        if minor >= 14:
            refused |= _NO_KERNEL_ARGUMENTS
            traits.add("no-format-none")
        if minor >= 19:
            traits.add("cex-argument")
        if minor < 20:
            traits.add("fips-luks")
        if minor >= 23:
            traits |= {"grub-contents", "strict-boot-device"}
        version = f"4.{minor}.0" + ("-experimental" if minor == 23 else "")
        allowed = frozenset(_NO_COMPRESSION) if minor < 10 else frozenset[str]()
        yield Variant("openshift", version, form, OpenShift, frozenset(traits), refused, allowed)


@cache
def table() -> Mapping[tuple[str, str], Variant]:
    """Every variant that can be translated, by its name and normalised version, oldest first."""
    return {(row.name, row.version): row for rows in (_fcos, _others, _openshift) for row in rows()}
