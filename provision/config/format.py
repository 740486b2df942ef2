"""Every record and field of the Ignition config format, 3.0.0 to 3.7.0-experimental: data.

Fields stand in the order in which Ignition writes them. A field without `since` is as old as
3.0.0. Types are read at run time, so this module has no `from __future__ import annotations`.
Source: the field lists and validators of coreos/ignition, `config/v3_*/types`.
"""

from typing import Any, ClassVar

from provision.config.model import Record, Secret, list_of, nested, optional, value

FORMATS = {
    "ext4": "3.0",
    "btrfs": "3.0",
    "xfs": "3.0",
    "vfat": "3.0",
    "swap": "3.0",
    "none": "3.3",
    "virtiofs": "3.7",
}

WITHOUT_DEVICE = {"virtiofs"}
"""Formats whose `device` is a tag, not a block device."""

RAID_LEVELS = dict.fromkeys(
    (
        "linear",
        "raid0",
        "0",
        "stripe",
        "raid1",
        "1",
        "mirror",
        "raid4",
        "4",
        "raid5",
        "5",
        "raid6",
        "6",
        "raid10",
        "10",
    ),
    "3.0",
)

GUID_FORM = "01234567-89AB-CDEF-EDCB-A98765432101"

GUID_PATTERN = "^([0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})?$"
"""A GUID, or an empty text."""

MAX_MODE = 0o7777
NOT_NEGATIVE = {"minimum": 0}
IDS = {"minimum": 0, "maximum": (1 << 32) - 2}
"""User and group ids. 2^32 - 1 is not one: it means "none" (chown(2))."""

MODE_LIMITS = {"minimum": 0, "maximum": MAX_MODE}


class Verification(Record):
    """How fetched bytes are verified."""

    hash: str | None = optional(
        "checksum of the decompressed bytes",
        constraint="`sha512-` or (since 3.1.0) `sha256-`, followed by the checksum in hexadecimal",
        example="sha512-" + "0" * 128,
    )


class HttpHeader(Record, key="name"):
    """A header sent when the resource is fetched over http or https."""

    name: str = value("name of the header", example="Authorization")
    value: Secret | None = optional("value of the header; absent in a child config removes the header", secret=True)


class Resource(Record, key="source"):
    """Contents from a URL, and how they are decompressed and verified."""

    compression: str | None = optional("compression of the bytes; empty means none", choices={"": "3.0", "gzip": "3.0"})
    http_headers: tuple[HttpHeader, ...] = list_of(HttpHeader, "headers for http and https sources", since="3.1")
    source: str | None = optional(
        "URL of the bytes",
        secret=True,
        constraint="scheme `data`, `http`, `https`, `tftp`, `s3`, since 3.2.0 `gs`, since 3.4.0 `arn`; "
        "an empty source is an empty content",
        example="https://example.com/motd",
    )
    verification: Verification = nested(Verification, "how the bytes are verified")


class ConfigResource(Resource, key="source"):
    """Another config, or a bundle of certificates. In 3.0.0 such a resource cannot be compressed."""

    compression: str | None = optional(
        "compression of the bytes; empty means none",
        choices={"": "3.0", "gzip": "3.0"},
        since="3.1",
    )


class IgnitionConfig(Record):
    """Other configs that this one builds on."""

    merge: tuple[ConfigResource, ...] = list_of(
        ConfigResource, "configs merged into this one, in order; later ones win"
    )
    replace: ConfigResource = nested(ConfigResource, "config that replaces this one")


class Proxy(Record):
    """Proxies for fetching."""

    http_proxy: str | None = optional("proxy for http URLs", secret=True, example="http://proxy.example.com:3128")
    https_proxy: str | None = optional("proxy for https URLs", secret=True)
    no_proxy: tuple[str, ...] = list_of(str, "hosts, addresses and networks that are reached without a proxy")


class Tls(Record):
    """Certificate authorities for https."""

    certificate_authorities: tuple[ConfigResource, ...] = list_of(
        ConfigResource, "further certificate authorities, as PEM bundles"
    )


class Security(Record):
    """Security of fetching."""

    tls: Tls = nested(Tls, "certificate authorities for https")


class Timeouts(Record):
    """Time limits for fetching."""

    http_response_headers: int | None = optional("seconds to wait for response headers; 0 means no limit", example=10)
    http_total: int | None = optional("seconds for one fetch with all its retries; 0 means no limit", example=0)


class Ignition(Record):
    """Version of the config, other configs that it uses, and settings for fetching."""

    config: IgnitionConfig = nested(IgnitionConfig, "other configs that this one builds on")
    proxy: Proxy = nested(Proxy, "proxies for fetching", since="3.1")
    security: Security = nested(Security, "security of fetching")
    timeouts: Timeouts = nested(Timeouts, "time limits for fetching")
    version: str = value("version of the format", constraint="required; decides which fields exist", example="3.4.0")


class KernelArguments(Record):
    """Kernel command line of the installed system."""

    should_exist: tuple[str, ...] = list_of(str, "arguments that are added if missing", unique_by="argument")
    should_not_exist: tuple[str, ...] = list_of(str, "arguments that are removed if present", unique_by="argument")


class Group(Record, key="name"):
    """A group of users."""

    gid: int | None = optional("group id", author_limits=IDS)
    name: str = value("name of the group")
    password_hash: Secret | None = optional("hash of the group's password", secret=True)
    should_exist: bool | None = optional("whether the group exists (default true)", since="3.2")
    system: bool | None = optional("whether it is a system group; takes effect only on creation")


class User(Record, key="name"):
    """A user account."""

    gecos: str | None = optional("real name or comment")
    groups: tuple[str, ...] = list_of(str, "supplementary groups; replaces the account's list")
    home_dir: str | None = optional("home directory")
    name: str = value("name of the account", example="core")
    no_create_home: bool | None = optional("do not create the home directory; takes effect only on creation")
    no_log_init: bool | None = optional("do not add the user to lastlog and faillog; takes effect only on creation")
    no_user_group: bool | None = optional("do not create a group named after the user; takes effect only on creation")
    password_hash: Secret | None = optional("hash of the password; empty locks it", secret=True)
    primary_group: str | None = optional("name of the primary group")
    ssh_authorized_keys: tuple[str, ...] = list_of(str, "public keys that may log in")
    shell: str | None = optional("login shell")
    should_exist: bool | None = optional("whether the account exists (default true)", since="3.2")
    system: bool | None = optional("whether it is a system account; takes effect only on creation")
    uid: int | None = optional("user id", author_limits=IDS)


class Passwd(Record):
    """Accounts."""

    groups: tuple[Group, ...] = list_of(Group, "groups; they are created before the users")
    users: tuple[User, ...] = list_of(User, "user accounts")


class Owner(Record):
    """A user or group, by number or by name but not both."""

    id: int | None = optional("numeric id", author_limits=IDS)
    name: str | None = optional("name, looked up in the target system")


class Node(Record, key="path"):
    """What files, directories and links have in common."""

    group: Owner = nested(Owner, "owning group (default root)")
    overwrite: bool | None = optional("remove whatever is at the path first (default false)")
    path: str = value("absolute path", constraint="without `.`, `..`, `//` or a trailing `/`", example="/etc/hostname")
    user: Owner = nested(Owner, "owning user (default root)")


class File(Node, key="path"):
    """A regular file."""

    append: tuple[Resource, ...] = list_of(Resource, "contents added at the end, in order", appends=True)
    contents: Resource = nested(Resource, "contents of the file")
    mode: int | None = optional(
        "permission bits (default 0644)",
        limits=MODE_LIMITS,
        constraint="at most 07777; setuid, setgid and sticky bits take effect since 3.6.0",
        example=420,
    )


class Directory(Node, key="path"):
    """A directory."""

    mode: int | None = optional(
        "permission bits (default 0755)",
        limits=MODE_LIMITS,
        constraint="at most 07777; setuid, setgid and sticky bits take effect since 3.6.0",
        example=493,
    )


class Link(Node, key="path"):
    """A symbolic or hard link."""

    hard: bool | None = optional("whether it is a hard link (default false)")
    target: str | None = optional("what the link points at", constraint="required since 3.3.0", value_until="3.3")


def _partition_key(partition: "Partition") -> str:
    """`number`, or `label` if that is 0"""
    if partition.number:
        return f"number:{partition.number}"
    return "" if partition.label is None else f"label:{partition.label}"


class Partition(Record, key=_partition_key):
    """A partition of a GPT disk."""

    guid: str | None = optional(
        "partition's own GUID", limits={"pattern": GUID_PATTERN}, constraint=f"of the form {GUID_FORM}, or empty"
    )
    label: str | None = optional(
        "partition's label", constraint="at most 36 bytes, without `:`; required if number is 0"
    )
    number: int = value(
        "number in the table; 0 takes the next free one", omit_empty=True, default=0, author_limits=NOT_NEGATIVE
    )
    resize: bool | None = optional("grow or shrink an existing partition if only its size differs", since="3.2")
    should_exist: bool | None = optional("whether the partition exists (default true)")
    size_mib: int | None = optional("size in MiB; 0 fills the largest free block", author_limits=NOT_NEGATIVE)
    size_sectors: int | None = optional("size in sectors, from a config of version 1 or 2.x", until="3.0")
    start_mib: int | None = optional(
        "start in MiB; 0 takes the beginning of the largest free block", author_limits=NOT_NEGATIVE
    )
    start_sectors: int | None = optional("start in sectors, from a config of version 1 or 2.x", until="3.0")
    type_guid: str | None = optional(
        "GUID of the partition's type (default Linux data)",
        limits={"pattern": GUID_PATTERN},
        constraint=f"of the form {GUID_FORM}, or empty",
    )
    wipe_partition_entry: bool | None = optional("delete a partition that differs instead of failing (default false)")


class Disk(Record, key="device"):
    """A disk and its partition table."""

    device: str = value("absolute path of the disk", example="/dev/disk/by-id/virtio-data")
    partitions: tuple[Partition, ...] = list_of(Partition, "partitions")
    wipe_table: bool | None = optional("erase the partition table first (default false)")


class Filesystem(Record, key="device"):
    """A file system on a device."""

    device: str = value("absolute path of the device", example="/dev/disk/by-partlabel/data")
    format: str | None = optional("kind of file system", choices=FORMATS, example="ext4")
    label: str | None = optional("label", constraint="at most 16 bytes on ext4, 256 btrfs, 12 xfs, 15 swap, 11 vfat")
    mount_options: tuple[str, ...] = list_of(str, "options for mounting while provisioning", since="3.1", appends=True)
    options: tuple[str, ...] = list_of(str, "further options of mkfs", appends=True)
    path: str | None = optional("where it is mounted while provisioning", example="/var")
    uuid: str | None = optional("UUID")
    wipe_filesystem: bool | None = optional("make a new one even if one exists already (default false)")


class Raid(Record, key="name"):
    """A software RAID array."""

    devices: tuple[str, ...] = list_of(str, "absolute paths of the members, spares included")
    level: str | None = optional("RAID level", choices=RAID_LEVELS, example="raid1", value_until="3.3")
    name: str = value("name below /dev/md/", example="data")
    options: tuple[str, ...] = list_of(str, "further options of mdadm --create", appends=True)
    spares: int | None = optional("how many of the devices are spares", author_limits=NOT_NEGATIVE)


class ClevisCustom(Record):
    """A Clevis pin that is configured directly."""

    config: str | None = optional("configuration of the pin, as JSON", secret=True, value_until="3.3")
    needs_network: bool | None = optional("whether unlocking needs the network")
    pin: str | None = optional(
        "name of the pin", constraint="up to 3.5.0 one of `tpm2`, `tang`, `sss`", value_until="3.3"
    )


class Tang(Record, key="url"):
    """A Tang server."""

    advertisement: str | None = optional("the server's advertisement; without it, the server is asked", since="3.4")
    thumbprint: str | None = optional("thumbprint of a trusted signing key", constraint="required")
    url: str = value("URL of the server", example="https://tang.example.com", omit_empty=True)


class Clevis(Record):
    """Automatic unlocking."""

    custom: ClevisCustom = nested(
        ClevisCustom, "a pin that is configured directly; excludes the others", pointer_until="3.3"
    )
    tang: tuple[Tang, ...] = list_of(Tang, "Tang servers")
    threshold: int | None = optional("how many pins are needed (default 1)")
    tpm2: bool | None = optional("whether the TPM2 is a pin")


class Cex(Record):
    """IBM Z Crypto Express."""

    enabled: bool | None = optional("whether the volume key is a CEX secure key")


class Luks(Record, key="name"):
    """An encrypted volume (LUKS2)."""

    cex: Cex = nested(Cex, "IBM Z Crypto Express; excludes clevis and a key file", since="3.5")
    clevis: Clevis = nested(Clevis, "automatic unlocking", pointer_until="3.3")
    device: str | None = optional("absolute path of the device", constraint="required")
    discard: bool | None = optional("pass discards through to the device", since="3.4")
    key_file: Resource = nested(Resource, "key; a random one is made if absent")
    label: str | None = optional("label of the volume", constraint="at most 47 bytes")
    name: str = value("name below /dev/mapper/", constraint="without `/`", example="data")
    open_options: tuple[str, ...] = list_of(
        str, "further options of cryptsetup luksOpen, kept in the header", since="3.4"
    )
    options: tuple[str, ...] = list_of(str, "further options of cryptsetup luksFormat", appends=True)
    uuid: str | None = optional("UUID of the volume")
    wipe_volume: bool | None = optional("make a new one even if one exists already (default false)")


class Storage(Record):
    """Disks, file systems, files, directories and links."""

    directories: tuple[Directory, ...] = list_of(Directory, "directories", unique_by="path")
    disks: tuple[Disk, ...] = list_of(Disk, "disks and their partitions")
    files: tuple[File, ...] = list_of(File, "regular files", unique_by="path")
    filesystems: tuple[Filesystem, ...] = list_of(Filesystem, "file systems")
    links: tuple[Link, ...] = list_of(Link, "symbolic and hard links", unique_by="path")
    luks: tuple[Luks, ...] = list_of(Luks, "encrypted volumes", since="3.2")
    raid: tuple[Raid, ...] = list_of(Raid, "software RAID arrays")


class Dropin(Record, key="name"):
    """A drop-in: a file that changes settings of a unit."""

    contents: str | None = optional("text of the drop-in", secret=True)
    name: str = value("file name", constraint="ends in `.conf`", example="10-limits.conf")


class Unit(Record, key="name"):
    """A systemd unit."""

    contents: str | None = optional("text of the unit", secret=True)
    dropins: tuple[Dropin, ...] = list_of(Dropin, "drop-ins")
    enabled: bool | None = optional("enable or disable the unit by a preset")
    mask: bool | None = optional("whether the unit is masked (default false)")
    name: str = value("name of the unit with its suffix", example="web.service")


class Systemd(Record):
    """systemd units."""

    units: tuple[Unit, ...] = list_of(Unit, "units")


class Config(Record):
    """A config of any version of the format, converted to the newest version.

    `older` is the config as it was written if its version was 1 or 2.x (see `old_versions`): such configs are merged as
    they were written. It is no field of the format.
    """

    older: ClassVar[Any] = None

    ignition: Ignition = nested(
        Ignition, "version of the config, other configs that it uses, and settings for fetching"
    )
    kernel_arguments: KernelArguments = nested(KernelArguments, "kernel command line", since="3.3")
    passwd: Passwd = nested(Passwd, "accounts")
    storage: Storage = nested(Storage, "disks, file systems, files, directories and links")
    systemd: Systemd = nested(Systemd, "systemd units")


class VersionedIgnition(Record):
    """The part of `ignition` that holds the version."""

    version: str = value("version of the format")


class Versioned(Record):
    """The part of a config that holds its version. It is read first."""

    ignition: VersionedIgnition = nested(VersionedIgnition, "the part that holds the version")
