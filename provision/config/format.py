"""Every record and field of the Ignition config format, 3.0.0 to 3.7.0-experimental: data.

Fields stand in the order in which the reference implementation writes them. A field without `since` is as old as
3.0.0. Types are read at run time, so this module has no `from __future__ import annotations`.
Source: the field lists and validators of coreos/ignition, `config/v3_*/types`.
"""

from provision.config.model import Record, Secret, many, need, opt, part

FORMATS = {
    "ext4": "3.0",
    "btrfs": "3.0",
    "xfs": "3.0",
    "vfat": "3.0",
    "swap": "3.0",
    "none": "3.3",
    "virtiofs": "3.7",
}

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


class Verification(Record):
    """How to tell that the right bytes arrived."""

    hash: str | None = opt(
        "checksum of the decompressed bytes",
        noted="`sha512-` or (since 3.1.0) `sha256-`, followed by the checksum in hexadecimal",
        example="sha512-" + "0" * 128,
    )


class HttpHeader(Record, key="name"):
    """A header sent when the resource is fetched over http or https."""

    name: str = need("name of the header", example="Authorization")
    value: Secret | None = opt("value of the header; absent in a child config removes the header", secret=True)


class Resource(Record, key="source"):
    """Bytes that come from somewhere, and how to unpack and verify them."""

    compression: str | None = opt(
        "how the bytes are compressed; empty means not at all", choices={"": "3.0", "gzip": "3.0"}
    )
    http_headers: tuple[HttpHeader, ...] = many(HttpHeader, "headers for http and https sources", since="3.1")
    source: str | None = opt(
        "URL of the bytes",
        secret=True,
        noted="scheme `data`, `http`, `https`, `tftp`, `s3`, since 3.2.0 `gs`, since 3.4.0 `arn`; "
        "an empty source is an empty content",
        example="https://example.com/motd",
    )
    verification: Verification = part(Verification, "how the bytes are verified")


class ConfigResource(Resource, key="source"):
    """Another config, or a bundle of certificates: a resource that could not be compressed in 3.0.0."""

    compression: str | None = opt(
        "how the bytes are compressed; empty means not at all",
        choices={"": "3.0", "gzip": "3.0"},
        since="3.1",
    )


class IgnitionConfig(Record):
    """Other configs that this one builds on."""

    merge: tuple[ConfigResource, ...] = many(ConfigResource, "configs merged into this one, in order; later ones win")
    replace: ConfigResource = part(ConfigResource, "config that takes the place of this one")


class Proxy(Record):
    """Proxies for fetching."""

    http_proxy: str | None = opt("proxy for http URLs", secret=True, example="http://proxy.example.com:3128")
    https_proxy: str | None = opt("proxy for https URLs", secret=True)
    no_proxy: tuple[str, ...] = many(str, "hosts, addresses and networks that are reached without a proxy")


class Tls(Record):
    """Trust for https."""

    certificate_authorities: tuple[ConfigResource, ...] = many(
        ConfigResource, "further certificate authorities, as PEM bundles"
    )


class Security(Record):
    """Trust."""

    tls: Tls = part(Tls, "trust for https")


class Timeouts(Record):
    """How long fetching may take."""

    http_response_headers: int | None = opt("seconds to wait for response headers; 0 is for ever", example=10)
    http_total: int | None = opt("seconds for one fetch with all its retries; 0 is for ever", example=0)


class Ignition(Record):
    """About the config itself."""

    config: IgnitionConfig = part(IgnitionConfig, "other configs that this one builds on")
    proxy: Proxy = part(Proxy, "proxies for fetching", since="3.1")
    security: Security = part(Security, "trust")
    timeouts: Timeouts = part(Timeouts, "how long fetching may take")
    version: str = need("version of the format", noted="required; decides which fields exist", example="3.4.0")


class KernelArguments(Record):
    """Kernel command line of the installed system."""

    should_exist: tuple[str, ...] = many(str, "arguments that are added if missing", handle="argument")
    should_not_exist: tuple[str, ...] = many(str, "arguments that are removed if present", handle="argument")


class Group(Record, key="name"):
    """A group of users."""

    gid: int | None = opt("group id")
    name: str = need("name of the group")
    password_hash: Secret | None = opt("hash of the group's password", secret=True)
    should_exist: bool | None = opt("whether the group exists (default true)", since="3.2")
    system: bool | None = opt("whether it is a system group; acts only on creation")


class User(Record, key="name"):
    """A user account."""

    gecos: str | None = opt("real name or comment")
    groups: tuple[str, ...] = many(str, "supplementary groups; replaces the account's list")
    home_dir: str | None = opt("home directory")
    name: str = need("name of the account", example="core")
    no_create_home: bool | None = opt("do not create the home directory; acts only on creation")
    no_log_init: bool | None = opt("do not add the user to lastlog and faillog; acts only on creation")
    no_user_group: bool | None = opt("do not create a group named after the user; acts only on creation")
    password_hash: Secret | None = opt("hash of the password; empty locks it", secret=True)
    primary_group: str | None = opt("name of the primary group")
    ssh_authorized_keys: tuple[str, ...] = many(str, "public keys that may log in")
    shell: str | None = opt("login shell")
    should_exist: bool | None = opt("whether the account exists (default true)", since="3.2")
    system: bool | None = opt("whether it is a system account; acts only on creation")
    uid: int | None = opt("user id")


class Passwd(Record):
    """Accounts."""

    groups: tuple[Group, ...] = many(Group, "groups, made before the users")
    users: tuple[User, ...] = many(User, "user accounts")


class Owner(Record):
    """A user or group, by number or by name but not both."""

    id: int | None = opt("numeric id")
    name: str | None = opt("name, looked up in the target system")


class Node(Record, key="path"):
    """What files, directories and links have in common."""

    group: Owner = part(Owner, "owning group (default root)")
    overwrite: bool | None = opt("remove whatever is at the path first (default false)")
    path: str = need("absolute path", noted="without `.`, `..`, `//` or a trailing `/`", example="/etc/hostname")
    user: Owner = part(Owner, "owning user (default root)")


class File(Node, key="path"):
    """A regular file."""

    append: tuple[Resource, ...] = many(Resource, "contents added at the end, in order", appends=True)
    contents: Resource = part(Resource, "contents of the file")
    mode: int | None = opt(
        "permission bits, as a decimal number in JSON (0644 is 420)",
        limits={"minimum": 0, "maximum": MAX_MODE},
        noted="0 to 4095; setuid, setgid and sticky bits act since 3.6.0",
        example=420,
    )


class Directory(Node, key="path"):
    """A directory."""

    mode: int | None = opt(
        "permission bits, as a decimal number in JSON (0755 is 493)",
        limits={"minimum": 0, "maximum": MAX_MODE},
        noted="0 to 4095; setuid, setgid and sticky bits act since 3.6.0",
        example=493,
    )


class Link(Node, key="path"):
    """A symbolic or hard link."""

    hard: bool | None = opt("whether it is a hard link (default false)")
    target: str | None = opt("what the link points at", noted="required since 3.3.0", value_until="3.3")


def _partition_key(partition: "Partition") -> str:
    """`number`, or `label` if that is 0"""
    if partition.number:
        return f"number:{partition.number}"
    return "" if partition.label is None else f"label:{partition.label}"


class Partition(Record, key=_partition_key):
    """A partition of a GPT disk."""

    guid: str | None = opt(
        "partition's own GUID", limits={"pattern": GUID_PATTERN}, noted=f"of the form {GUID_FORM}, or empty"
    )
    label: str | None = opt("partition's label", noted="at most 36 bytes, without `:`; required if number is 0")
    number: int = need("number in the table; 0 takes the next free one", omitted=True, default=0)
    resize: bool | None = opt("grow or shrink an existing partition if only its size differs", since="3.2")
    should_exist: bool | None = opt("whether the partition exists (default true)")
    size_mib: int | None = opt("size in MiB; 0 fills the largest free block")
    start_mib: int | None = opt("start in MiB; 0 takes the beginning of the largest free block")
    type_guid: str | None = opt(
        "GUID of the partition's type (default Linux data)",
        limits={"pattern": GUID_PATTERN},
        noted=f"of the form {GUID_FORM}, or empty",
    )
    wipe_partition_entry: bool | None = opt("delete a partition that differs instead of failing (default false)")


class Disk(Record, key="device"):
    """A disk and its partition table."""

    device: str = need("absolute path of the disk", example="/dev/disk/by-id/virtio-data")
    partitions: tuple[Partition, ...] = many(Partition, "partitions")
    wipe_table: bool | None = opt("erase the partition table first (default false)")


class Filesystem(Record, key="device"):
    """A file system on a device."""

    device: str = need("absolute path of the device", example="/dev/disk/by-partlabel/data")
    format: str | None = opt("kind of file system", choices=FORMATS, example="ext4")
    label: str | None = opt("label", noted="at most 16 bytes on ext4, 256 btrfs, 12 xfs, 15 swap, 11 vfat")
    mount_options: tuple[str, ...] = many(str, "options for mounting while provisioning", since="3.1", appends=True)
    options: tuple[str, ...] = many(str, "further options of mkfs", appends=True)
    path: str | None = opt("where it is mounted while provisioning", example="/var")
    uuid: str | None = opt("UUID")
    wipe_filesystem: bool | None = opt("make it new even if one is there already (default false)")


class Raid(Record, key="name"):
    """A software RAID array."""

    devices: tuple[str, ...] = many(str, "absolute paths of the members, spares included")
    level: str | None = opt("RAID level", choices=RAID_LEVELS, example="raid1", value_until="3.3")
    name: str = need("name below /dev/md/", example="data")
    options: tuple[str, ...] = many(str, "further options of mdadm --create", appends=True)
    spares: int | None = opt("how many of the devices are spares")


class ClevisCustom(Record):
    """A Clevis pin in its own words."""

    config: str | None = opt("configuration of the pin, JSON", secret=True, value_until="3.3")
    needs_network: bool | None = opt("whether unlocking needs the network")
    pin: str | None = opt("name of the pin", noted="up to 3.5.0 one of `tpm2`, `tang`, `sss`", value_until="3.3")


class Tang(Record, key="url"):
    """A Tang server."""

    advertisement: str | None = opt("the server's advertisement, so that it is not asked", since="3.4")
    thumbprint: str | None = opt("thumbprint of a trusted signing key", noted="required")
    url: str = need("URL of the server", example="https://tang.example.com", omitted=True)


class Clevis(Record):
    """Unlocking without a person."""

    custom: ClevisCustom = part(ClevisCustom, "a pin in its own words; excludes the others", pointer_until="3.3")
    tang: tuple[Tang, ...] = many(Tang, "Tang servers")
    threshold: int | None = opt("how many pins are needed (default 1)")
    tpm2: bool | None = opt("whether the TPM2 is a pin")


class Cex(Record):
    """IBM Z Crypto Express."""

    enabled: bool | None = opt("whether the volume key is a CEX secure key")


class Luks(Record, key="name"):
    """An encrypted volume (LUKS2)."""

    cex: Cex = part(Cex, "IBM Z Crypto Express; excludes clevis and a key file", since="3.5")
    clevis: Clevis = part(Clevis, "unlocking without a person", pointer_until="3.3")
    device: str | None = opt("absolute path of the device", noted="required")
    discard: bool | None = opt("pass discards through to the device", since="3.4")
    key_file: Resource = part(Resource, "key; a random one is made if absent")
    label: str | None = opt("label of the volume", noted="at most 47 bytes")
    name: str = need("name below /dev/mapper/", noted="without `/`", example="data")
    open_options: tuple[str, ...] = many(str, "further options of cryptsetup luksOpen, kept in the header", since="3.4")
    options: tuple[str, ...] = many(str, "further options of cryptsetup luksFormat", appends=True)
    uuid: str | None = opt("UUID of the volume")
    wipe_volume: bool | None = opt("make it new even if one is there already (default false)")


class Storage(Record):
    """Disks and what is on them."""

    directories: tuple[Directory, ...] = many(Directory, "directories", handle="path")
    disks: tuple[Disk, ...] = many(Disk, "disks and their partitions")
    files: tuple[File, ...] = many(File, "regular files", handle="path")
    filesystems: tuple[Filesystem, ...] = many(Filesystem, "file systems")
    links: tuple[Link, ...] = many(Link, "symbolic and hard links", handle="path")
    luks: tuple[Luks, ...] = many(Luks, "encrypted volumes", since="3.2")
    raid: tuple[Raid, ...] = many(Raid, "software RAID arrays")


class Dropin(Record, key="name"):
    """A file that changes a unit."""

    contents: str | None = opt("text of the drop-in", secret=True)
    name: str = need("file name", noted="ends in `.conf`", example="10-limits.conf")


class Unit(Record, key="name"):
    """A systemd unit."""

    contents: str | None = opt("text of the unit", secret=True)
    dropins: tuple[Dropin, ...] = many(Dropin, "drop-ins")
    enabled: bool | None = opt("enable or disable the unit by a preset")
    mask: bool | None = opt("whether the unit is masked (default false)")
    name: str = need("name of the unit with its suffix", example="web.service")


class Systemd(Record):
    """Services."""

    units: tuple[Unit, ...] = many(Unit, "units")


class Config(Record):
    """A config of any version of the format, in the terms of the newest one."""

    ignition: Ignition = part(Ignition, "about the config itself")
    kernel_arguments: KernelArguments = part(KernelArguments, "kernel command line", since="3.3")
    passwd: Passwd = part(Passwd, "accounts")
    storage: Storage = part(Storage, "disks and what is on them")
    systemd: Systemd = part(Systemd, "services")


class VersionedIgnition(Record):
    """As much of `ignition` as tells the version."""

    version: str = need("version of the format")


class Versioned(Record):
    """As much of a config as tells its version: this is read first."""

    ignition: VersionedIgnition = part(VersionedIgnition, "about the config itself")


def is_present(luks: Luks) -> bool:
    """Whether the volume is to be bound at all."""
    clevis = luks.clevis
    return bool(clevis.custom.pin or clevis.tang or clevis.tpm2 or clevis.threshold)


def needs_network(luks: Luks) -> bool:
    """Whether opening the volume needs the network at every boot."""
    return bool(luks.clevis.tang or (luks.clevis.custom.pin and luks.clevis.custom.needs_network))


WITHOUT_DEVICE = {"virtiofs"}
"""Formats whose device is a tag, and no block device."""
