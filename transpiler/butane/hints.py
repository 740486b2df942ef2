"""What an author probably meant: by unknown keys, and by values of a wrong type."""

from __future__ import annotations

from collections.abc import Mapping

from provision.config.model import Field, Record
from provision.config.problems import Path
from transpiler.butane.source_map import snake
from transpiler.butane.variants import Variant, table
from transpiler.reading.yaml_node import YamlNode

_HINTS_BY_SECTION: Mapping[str, Mapping[str, str]] = {
    "": {
        "users": "accounts stand under passwd.users",
        "groups": "groups stand under passwd.groups",
        "files": "files stand under storage.files",
        "units": "units stand under systemd.units",
        "disks": "disks stand under storage.disks",
        "filesystems": "file systems stand under storage.filesystems",
        "write_files": "cloud-init's write_files is storage.files, with contents.inline and mode",
        "runcmd": "commands are run by a unit: systemd.units with a oneshot service",
        "bootcmd": "commands are run by a unit: systemd.units with a oneshot service",
        "packages": "packages cannot be installed while provisioning; a unit can do it",
        "hostname": "the name of the host is a file: storage.files with the path /etc/hostname",
        "ssh_authorized_keys": "keys belong to an account: passwd.users[].ssh_authorized_keys",
        "growpart": "partitions grow by `resize: true` in storage.disks[].partitions",
        "networkd": "networkd's files are files: storage.files below /etc/systemd/network",
        "locksmith": "Container Linux Configs had this; write /etc/flatcar/update.conf with storage.files",
        "update": "Container Linux Configs had this; write /etc/flatcar/update.conf with storage.files",
        "etcd": "Container Linux Configs had this; write a drop-in for etcd-member.service",
        "flannel": "Container Linux Configs had this; write a drop-in for flanneld.service",
        "docker": "Container Linux Configs had this; write a drop-in for docker.service",
    },
    "users": {
        "sudo": "sudo follows from groups: add `groups: [sudo]` or `[wheel]`, or write a file below /etc/sudoers.d",
        "lock_passwd": "without a password_hash nobody can log in by password: remove it",
        "passwd": "the hash of the password is password_hash",
        "hashed_passwd": "the hash of the password is password_hash",
        "plain_text_passwd": "passwords are given as hashes only: password_hash, made by mkpasswd",
        "ssh_import_id": "keys are given themselves: ssh_authorized_keys",
        "create": "accounts are made by being listed: remove it",
        "homedir": "write home_dir",
        "no_user_group": "write no_user_group",
        "inactive": "accounts cannot be made to expire here: remove it",
    },
    "files": {
        "filesystem": "paths are those of the final system now: remove it",
        "permissions": "permission bits are `mode`, in octal with a leading zero",
        "content": "write contents with inline below it",
        "inline": "inline stands below contents",
        "source": "source stands below contents",
        "local": "local stands below contents",
        "owner": "owners are `user: {name: ...}` and `group: {name: ...}`",
        "encoding": "contents are packed by themselves; what is packed already says `compression: gzip`",
        "defer": "files are written before the system starts: remove it",
    },
    "contents": {
        "remote": "write the URL as source, right below contents",
        "url": "write the URL as source",
    },
    "units": {
        "enable": "the key is `enabled`",
        "content": "the key is `contents`",
        "command": "units are started by being enabled: `enabled: true`",
    },
    "dropins": {"content": "the key is `contents`"},
    "partitions": {
        "size": "sizes are in MiB: size_mib",
        "start": "starts are in MiB: start_mib",
        "type": "types are GUIDs: type_guid",
        "name": "the name of a partition is its label",
    },
    "filesystems": {
        "mount": "its keys stand right in the file system now: remove the line and one level of indentation",
        "create": "its keys stand right in the file system now; `force: true` is `wipe_filesystem: true`",
        "name": "file systems have no names now: files go to their final paths",
    },
}
"""Habits of cloud-init and of Container Linux Configs, by the list or section that the key stands in."""


def key_hint(path: Path, variant: Variant) -> str:
    """The likely fix of an unknown key: where it belongs, the version that brings it, or the nearest name."""
    key, above = str(path[-1]), path[:-1]
    record = _record_at(variant.record, above)
    names = {field.name: field for field in record.FIELDS} if record else {}
    if key in names:
        return _version_with_key(names[key], variant)
    known = {name for name, field in names.items() if field.exists(variant.spec_minor)}
    return (
        _other_spelling(key, known) or _known_mistake(key, above) or _other_variants(key, above) or _nearest(key, known)
    )


def _other_spelling(key: str, known: set[str]) -> str:
    right = next((name for name in (snake(key), key.lower().replace("-", "_")) if name in known), "")
    return f"write {right}" if right else ""


def _known_mistake(key: str, above: Path) -> str:
    if key == "<<":
        return "merge keys work, but nothing that they bring is checked for unknown keys"
    section = next((part for part in reversed(above) if isinstance(part, str)), "")
    return _HINTS_BY_SECTION.get(section, {}).get(key.replace("-", "_"), "")


def _other_variants(key: str, above: Path) -> str:
    others = dict.fromkeys(row.name for row in table().values() if not above and key in _names(row.record))
    return f"{key} is only for {', '.join(others)}" if others else ""


def _nearest(key: str, known: set[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key.lower(), sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else ""


def _version_with_key(field: Field, variant: Variant) -> str:
    """Which version of the variant brings a field that this one has not."""
    if field.until is not None and field.until <= variant.spec_minor:
        return "remove it"
    newer = (row for row in table().values() if row.name == variant.name and field.exists(row.spec_minor))
    first = next(newer, None)
    return f"{field.name} needs version {first.version} of {variant.name}" if first else ""


def _names(record: type[Record]) -> set[str]:
    return {field.name for field in record.FIELDS}


def _record_at(record: type[Record] | None, path: Path) -> type[Record] | None:
    for part in path:
        if isinstance(part, int):
            continue
        field = next((field for field in record.FIELDS if field.name == part), None) if record else None
        record = field.record if field else None
    return record


def no_variant_hint(root: YamlNode | None) -> str:
    """What a text without a variant seems to be."""
    keys = {key.text for key, _ in root.items} if root and root.kind == "mapping" else set()
    add = "add lines like `variant: fcos` and `version: 1.5.0`"
    if keys & {"users", "packages", "runcmd", "bootcmd", "write_files", "ssh_authorized_keys"}:
        return f"this looks like a cloud-config; accounts stand under passwd, files under storage; {add}"
    if keys & {"etcd", "flannel", "locksmith", "update", "docker", "networkd"}:
        return f"this looks like a Container Linux Config; {add}, and see what is unknown then"
    if "ignition" in keys and "variant" not in keys and "version" not in keys:
        return (
            "this is an Ignition config already, and machines read it as it is; `transpile` wants YAML with a variant"
        )
    return "add a line like `variant: fcos`" if "version" in keys else add


def version_hint(variant: str) -> str:
    """Which versions of a variant there are, or which variants."""
    known = [version for name, version in table() if name == variant]
    if known:
        return f"versions of {variant}: {', '.join(known)}"
    names = dict.fromkeys(name for name, _ in table())
    return f"variants: {', '.join(names)}"
