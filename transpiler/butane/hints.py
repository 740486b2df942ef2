"""Hints about unknown keys, and problems of a missing or unknown variant or version."""

from __future__ import annotations

from collections.abc import Mapping

from provision.config.model import Field, Record
from provision.config.problems import Path, Problem
from provision.config.reports.did_you_mean import MAX_LENGTH
from transpiler.butane.source_map import yaml_name
from transpiler.butane.variants import REMOVED, Variant, table
from transpiler.reading.yaml_node import YamlNode

NO_VARIANT = "error parsing variant; must be specified"
NO_VERSION = "error parsing version; must be a valid semver"

_HINTS_BY_SECTION: Mapping[str, Mapping[str, str]] = {
    "": {
        "users": "accounts belong under passwd.users",
        "groups": "groups belong under passwd.groups",
        "files": "files belong under storage.files",
        "units": "units belong under systemd.units",
        "disks": "disks belong under storage.disks",
        "filesystems": "file systems belong under storage.filesystems",
        "write_files": "cloud-init's write_files is storage.files, with contents.inline and mode",
        "runcmd": "commands are run by a unit: systemd.units with a oneshot service",
        "bootcmd": "commands are run by a unit: systemd.units with a oneshot service",
        "packages": "packages cannot be installed during provisioning; a unit can install them at boot",
        "hostname": "write the host name with storage.files to /etc/hostname",
        "ssh_authorized_keys": "keys belong to an account: passwd.users[].ssh_authorized_keys",
        "growpart": "partitions grow by `resize: true` in storage.disks[].partitions",
        "networkd": "write networkd's files with storage.files below /etc/systemd/network",
        "locksmith": "Container Linux Configs had this; write /etc/flatcar/update.conf with storage.files",
        "update": "Container Linux Configs had this; write /etc/flatcar/update.conf with storage.files",
        "etcd": "Container Linux Configs had this; write a drop-in for etcd-member.service",
        "flannel": "Container Linux Configs had this; write a drop-in for flanneld.service",
        "docker": "Container Linux Configs had this; write a drop-in for docker.service",
    },
    "users": {
        "sudo": "for sudo, add `groups: [sudo]` or `[wheel]`, or write a file below /etc/sudoers.d",
        "lock_passwd": "remove it: without a password_hash, login by password is impossible",
        "passwd": "the hash of the password is password_hash",
        "hashed_passwd": "the hash of the password is password_hash",
        "plain_text_passwd": "passwords are given as hashes only: password_hash, made by mkpasswd",
        "ssh_import_id": "keys are not imported: write them under ssh_authorized_keys",
        "create": "remove it: all accounts in the list are created",
        "homedir": "write home_dir",
        "no_user_group": "write no_user_group",
        "inactive": "remove it: a config cannot set an expiry date",
    },
    "files": {
        "filesystem": "remove it: paths are now those of the installed system",
        "permissions": "permission bits are `mode`, in octal with a leading zero",
        "content": "write contents with inline below it",
        "inline": "inline belongs below contents",
        "source": "source belongs below contents",
        "local": "local belongs below contents",
        "owner": "owners are `user: {name: ...}` and `group: {name: ...}`",
        "encoding": "transpile compresses contents; if the source is compressed already, write `compression: gzip`",
        "defer": "remove it: files are written before the system starts",
    },
    "contents": {
        "remote": "write the URL as source, directly below contents",
        "url": "write the URL as source",
    },
    "units": {
        "enable": "the key is `enabled`",
        "content": "the key is `contents`",
        "command": "to start a unit at boot, write `enabled: true`",
    },
    "dropins": {"content": "the key is `contents`"},
    "links": {
        "source": "write target",
        "to": "write target",
        "dest": "write target",
        "destination": "write target",
    },
    "kernel_arguments": {
        "append": "write should_exist",
        "add": "write should_exist",
        "delete": "write should_not_exist",
        "remove": "write should_not_exist",
    },
    "partitions": {
        "size": "sizes are in MiB: size_mib",
        "start": "starts are in MiB: start_mib",
        "type": "types are GUIDs: type_guid",
        "name": "the name of a partition is its label",
    },
    "filesystems": {
        "mount": "remove the line and one level of indentation: its keys now belong directly to the file system",
        "create": "its keys now belong directly to the file system; `force: true` is `wipe_filesystem: true`",
        "name": "remove it: file systems have no names now, and files are given by their path",
    },
}
"""Section or list -> unknown key -> hint: keys of cloud-init and of Container Linux Configs."""


def key_hint(path: Path, variant: Variant) -> str:
    """The hint for an unknown key: its right place, the version that has it, or the most similar name; may be empty."""
    key, above = str(path[-1]), path[:-1]
    record = record_at(variant.record, above)
    names = {field.name: field for field in record.FIELDS} if record else {}
    if key in names:
        return _version_with_key(names[key], variant)
    known = {name for name, field in names.items() if field.exists(variant.spec_minor)}
    return (
        other_spelling(key, known) or _known_mistake(key, above) or _other_variants(key, above) or nearest(key, known)
    )


def other_spelling(key: str, known: set[str]) -> str:
    """A hint with the known name that a key is another spelling of; empty if there is none."""
    right = next((name for name in (yaml_name(key), key.lower().replace("-", "_")) if name in known), "")
    return f"write {right}" if right else ""


def _known_mistake(key: str, above: Path) -> str:
    if key == "<<":
        return "merge keys work, but the merged values are not checked for unknown keys"
    section = next((part for part in reversed(above) if isinstance(part, str)), "")
    return _HINTS_BY_SECTION.get(section, {}).get(key.replace("-", "_"), "")


def _other_variants(key: str, above: Path) -> str:
    others = dict.fromkeys(row.name for row in table().values() if not above and key in _names(row.record))
    return f"{key} is only for {', '.join(others)}" if others else ""


def nearest(key: str, known: set[str]) -> str:
    """A hint with the most similar name; empty if none is similar."""
    from difflib import get_close_matches

    near = get_close_matches(key.lower(), sorted(known), n=1) if len(key) <= MAX_LENGTH else []
    return f"did you mean {near[0]}?" if near else ""


def _version_with_key(field: Field, variant: Variant) -> str:
    """The hint for a field that only other versions of the variant have."""
    if field.until is not None and field.until <= variant.spec_minor:
        return "remove it"
    newer = (row for row in table().values() if row.name == variant.name and field.exists(row.spec_minor))
    first = next(newer, None)
    return f"{field.name} needs version {first.version} of {variant.name}" if first else ""


def _names(record: type[Record]) -> set[str]:
    return {field.name for field in record.FIELDS}


def record_at(record: type[Record] | None, path: Path) -> type[Record] | None:
    """The type of record at a path of YAML names; None if there is none."""
    for part in path:
        if isinstance(part, int):
            continue
        field = next((field for field in record.FIELDS if field.name == part), None) if record else None
        record = field.record if field else None
    return record


def no_variant_problem(name: str, written: str, version: str | None, root: YamlNode | None) -> Problem:
    """Why there is no translator for a variant and a version (None if `written` is not a version)."""
    if not name:
        return _misspelled("variant", NO_VARIANT, root) or Problem(
            ("variant",), NO_VARIANT, hint=_no_variant_hint(root)
        )
    if version is None:
        misspelled = None if written else _misspelled("version", NO_VERSION, root)
        if misspelled is not None:
            return misspelled
        hint = _version_hint(name) if written else "add a line like `version: 1.5.0`"
        return Problem(("version",), NO_VERSION, hint=hint)
    if name in REMOVED and version == "0.1.0":
        return Problem(("variant",), REMOVED[name])
    message = f"No translator exists for variant {name} with version {version}"
    path: Path = ("version",) if any(known == name for known, _ in table()) else ("variant",)
    return Problem(path, message, hint=_version_hint(name))


def _misspelled(key: str, message: str, root: YamlNode | None) -> Problem | None:
    """The problem at another spelling of a key that is missing; None if there is none."""
    keys = [one.text for one, _ in root.items if one.kind == "scalar"] if root and root.kind == "mapping" else []
    found = next((one for one in keys if nearest(one, {key})), "")
    return Problem((found,), message, hint=nearest(found, {key})) if found and key not in keys else None


_OF_CLOUD_CONFIGS = frozenset(
    {"bootcmd", "coreos", "hostname", "manage_etc_hosts", "packages", "runcmd", "ssh_authorized_keys", "users"}
    | {"write_files"}
)
"""Keys at the top of cloud-configs."""


def _no_variant_hint(root: YamlNode | None) -> str:
    """The hint for a text without a variant: which other kind of config it seems to be, and what to add."""
    keys = {key.text for key, _ in root.items} if root and root.kind == "mapping" else set()
    add = "add lines like `variant: fcos` and `version: 1.5.0`"
    if {key.replace("-", "_") for key in keys} & _OF_CLOUD_CONFIGS:
        return "this looks like a cloud-config: `transpile convert --to fcos FILE` makes Butane YAML of it"
    if keys & {"etcd", "flannel", "locksmith", "update", "docker", "networkd"}:
        return f"this looks like a Container Linux Config; for it, remove the version; for Butane, {add}"
    if "ignition" in keys and "variant" not in keys and "version" not in keys:
        return "this is already an Ignition config, which machines can read; `transpile` needs YAML with a variant"
    return "add a line like `variant: fcos`" if "version" in keys else add


def _version_hint(variant: str) -> str:
    """A list of the versions of a variant, or of all variants if it is unknown."""
    known = [version for name, version in table() if name == variant]
    if known:
        return f"versions of {variant}: {', '.join(known)}"
    names = dict.fromkeys(name for name, _ in table())
    return f"variants: {', '.join(names)}"
