"""Every record and field of the Ignition config format 2.0.0 to 2.4.0: data.

The versions of fields are those of 2.x: `since="2.2"`. A version is known by its minor number. Fields stand in the
order in which Ignition 2.x writes them. Types are read at run time, so this module has no
`from __future__ import annotations`. Source: coreos/ignition 0.35, `config/v2_*/types`.
"""

from provision.config.model import Record, Secret, list_of, nested, optional, value

OLD_VERSIONS = ("2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0")
"""Every version 2.x, oldest first; the index is the minor number."""

NEWEST_OLD = len(OLD_VERSIONS) - 1

_ALWAYS_POINTER = "2.99"
"""For `pointer_until`: the record is a pointer in every version, so that absent differs from empty."""


class OldVerification(Record):
    """How fetched bytes are verified."""

    hash: str | None = optional("checksum of the bytes: `sha512-` and the checksum in hexadecimal")


class OldHttpHeader(Record):
    """A header sent when the resource is fetched over http or https."""

    name: str = value("name of the header")
    value: Secret = value("value of the header", secret=True)


class OldReference(Record):
    """Another config, or a bundle of certificates."""

    http_headers: tuple[OldHttpHeader, ...] = list_of(OldHttpHeader, "headers for http and https sources", since="2.4")
    source: str = value("URL of the bytes; schemes http, https, data, oem, since 2.1 tftp and s3", secret=True)
    verification: OldVerification = nested(OldVerification, "how the bytes are verified")


class OldContents(Record):
    """The bytes of a file."""

    compression: str = value("compression of the bytes: empty or gzip", omit_empty=True, default="")
    http_headers: tuple[OldHttpHeader, ...] = list_of(OldHttpHeader, "headers for http and https sources", since="2.4")
    source: str = value("URL of the bytes; empty means an empty file", secret=True, omit_empty=True, default="")
    verification: OldVerification = nested(OldVerification, "how the bytes are verified")


class OldIgnitionConfig(Record):
    """Other configs that this one builds on."""

    append: tuple[OldReference, ...] = list_of(OldReference, "configs that are appended to this one, in order")
    replace: OldReference = nested(OldReference, "config that replaces this one", pointer_until=_ALWAYS_POINTER)


class OldProxy(Record):
    """Proxies for fetching."""

    http_proxy: str = value("proxy for http URLs", secret=True, omit_empty=True, default="")
    https_proxy: str = value("proxy for https URLs", secret=True, omit_empty=True, default="")
    no_proxy: tuple[str, ...] = list_of(str, "hosts, addresses and networks that are reached without a proxy")


class OldTls(Record):
    """Certificate authorities for https."""

    certificate_authorities: tuple[OldReference, ...] = list_of(OldReference, "further certificate authorities")


class OldSecurity(Record):
    """Security of fetching."""

    tls: OldTls = nested(OldTls, "certificate authorities for https")


class OldTimeouts(Record):
    """Time limits for fetching."""

    http_response_headers: int | None = optional("seconds to wait for response headers; 0 means no limit")
    http_total: int | None = optional("seconds for one fetch with all its retries; 0 means no limit")


class OldIgnition(Record):
    """Version of the config, other configs that it uses, and settings for fetching."""

    config: OldIgnitionConfig = nested(OldIgnitionConfig, "other configs that this one builds on")
    proxy: OldProxy = nested(OldProxy, "proxies for fetching", since="2.4")
    security: OldSecurity = nested(OldSecurity, "security of fetching", since="2.2")
    timeouts: OldTimeouts = nested(OldTimeouts, "time limits for fetching", since="2.1")
    version: str = value("version of the format", omit_empty=True)


class OldNetworkdDropin(Record):
    """A drop-in of a networkd unit."""

    contents: str = value("text of the drop-in", secret=True, omit_empty=True, default="")
    name: str = value("file name, ends in `.conf`")


class OldNetworkdUnit(Record):
    """A file below /etc/systemd/network."""

    contents: str = value("text of the unit", secret=True, omit_empty=True, default="")
    dropins: tuple[OldNetworkdDropin, ...] = list_of(OldNetworkdDropin, "drop-ins", since="2.2")
    name: str = value("file name, ends in `.link`, `.netdev` or `.network`")


class OldNetworkd(Record):
    """Units of systemd-networkd."""

    units: tuple[OldNetworkdUnit, ...] = list_of(OldNetworkdUnit, "units")


class OldGroup(Record):
    """A group of users."""

    gid: int | None = optional("group id")
    name: str = value("name of the group")
    password_hash: Secret = value("hash of the group's password", secret=True, omit_empty=True, default="")
    system: bool = value("whether it is a system group", omit_empty=True, default=False)


class OldAccount(Record):
    """What is set of an account when it is made; these fields stand in `create` and, since 2.1, in the user itself."""

    gecos: str = value("real name or comment", omit_empty=True, default="")
    groups: tuple[str, ...] = list_of(str, "supplementary groups")
    home_dir: str = value("home directory", omit_empty=True, default="")
    no_create_home: bool = value("do not create the home directory", omit_empty=True, default=False)
    no_log_init: bool = value("do not add the user to lastlog and faillog", omit_empty=True, default=False)
    no_user_group: bool = value("do not create a group named after the user", omit_empty=True, default=False)
    primary_group: str = value("name of the primary group", omit_empty=True, default="")
    shell: str = value("login shell", omit_empty=True, default="")
    system: bool = value("whether it is a system account", omit_empty=True, default=False)
    uid: int | None = optional("user id")


class OldUser(Record):
    """A user account."""

    create: OldAccount = nested(
        OldAccount, "how the account is made; deprecated since 2.1", pointer_until=_ALWAYS_POINTER
    )
    gecos: str = value("real name or comment", omit_empty=True, since="2.1", default="")
    groups: tuple[str, ...] = list_of(str, "supplementary groups", since="2.1")
    home_dir: str = value("home directory", omit_empty=True, since="2.1", default="")
    name: str = value("name of the account")
    no_create_home: bool = value("do not create the home directory", omit_empty=True, since="2.1", default=False)
    no_log_init: bool = value("do not add the user to lastlog", omit_empty=True, since="2.1", default=False)
    no_user_group: bool = value("do not create a group of that name", omit_empty=True, since="2.1", default=False)
    password_hash: Secret | None = optional("hash of the password; empty locks it", secret=True)
    primary_group: str = value("name of the primary group", omit_empty=True, since="2.1", default="")
    ssh_authorized_keys: tuple[str, ...] = list_of(str, "public keys that may log in")
    shell: str = value("login shell", omit_empty=True, since="2.1", default="")
    system: bool = value("whether it is a system account", omit_empty=True, since="2.1", default=False)
    uid: int | None = optional("user id", since="2.1")


class OldPasswd(Record):
    """Accounts."""

    groups: tuple[OldGroup, ...] = list_of(OldGroup, "groups")
    users: tuple[OldUser, ...] = list_of(OldUser, "user accounts")


class OldOwner(Record):
    """A user or group, by number or by name."""

    id: int | None = optional("numeric id")
    name: str = value("name, looked up in the target system", omit_empty=True, since="2.1", default="")


class OldNode(Record):
    """What files, directories and links have in common."""

    filesystem: str = value("name of the file system that the path is on")
    group: OldOwner = nested(OldOwner, "owning group (default root)", pointer_until=_ALWAYS_POINTER)
    overwrite: bool | None = optional("remove whatever is at the path first (default: files yes)", since="2.2")
    path: str = value("absolute path on the file system")
    user: OldOwner = nested(OldOwner, "owning user (default root)", pointer_until=_ALWAYS_POINTER)


class OldDirectory(OldNode):
    """A directory."""

    mode: int | None = optional("permission bits (default 0)", value_until="2.2")


class OldFile(OldNode):
    """A regular file."""

    append: bool = value("add the contents to the end of the file", since="2.2", omit_empty=True, default=False)
    contents: OldContents = nested(OldContents, "bytes of the file")
    mode: int | None = optional("permission bits (default 0)", value_until="2.2")


class OldLink(OldNode):
    """A symbolic or hard link."""

    hard: bool = value("whether it is a hard link", omit_empty=True, default=False)
    target: str = value("what the link points at")


class OldPartition(Record):
    """A partition of a GPT disk."""

    guid: str = value("partition's own GUID", omit_empty=True, since="2.1", default="")
    label: str | None = optional("partition's label", value_until="2.3")
    number: int = value("number in the table; 0 takes the next free one", omit_empty=True, default=0)
    should_exist: bool | None = optional("whether the partition exists (default true)", since="2.3")
    size: int | None = optional("size in sectors; deprecated since 2.3", value_until="2.3")
    size_mib: int | None = optional("size in MiB", since="2.3")
    start: int | None = optional("start in sectors; deprecated since 2.3", value_until="2.3")
    start_mib: int | None = optional("start in MiB", since="2.3")
    type_guid: str = value("GUID of the partition's type", omit_empty=True, default="")
    wipe_partition_entry: bool = value("delete a partition that differs", since="2.3", omit_empty=True, default=False)


class OldDisk(Record):
    """A disk and its partition table."""

    device: str = value("absolute path of the disk")
    partitions: tuple[OldPartition, ...] = list_of(OldPartition, "partitions")
    wipe_table: bool = value("erase the partition table first", omit_empty=True, default=False)


class OldCreate(Record):
    """How a file system is made, as version 2.0 asks for it."""

    force: bool = value("make it even if there is one already", omit_empty=True, default=False)
    options: tuple[str, ...] = list_of(str, "further options of mkfs")


class OldMount(Record):
    """A file system on a device."""

    create: OldCreate = nested(OldCreate, "how it is made; deprecated since 2.1", pointer_until=_ALWAYS_POINTER)
    device: str = value("absolute path of the device")
    format: str = value("ext4, btrfs, xfs, since 2.1 swap and vfat")
    label: str | None = optional("label", since="2.1")
    options: tuple[str, ...] = list_of(str, "further options of mkfs", since="2.1")
    uuid: str | None = optional("UUID", since="2.1")
    wipe_filesystem: bool = value("make a new one even if one exists", since="2.1", omit_empty=True, default=False)


class OldFilesystem(Record):
    """A file system by its name: either one on a device, or one that is mounted already."""

    mount: OldMount = nested(OldMount, "file system on a device", pointer_until=_ALWAYS_POINTER)
    name: str = value("name, by which files refer to it", omit_empty=True, default="")
    path: str | None = optional("where it is mounted in the initramfs; the root is /sysroot")


class OldRaid(Record):
    """A software RAID array."""

    devices: tuple[str, ...] = list_of(str, "absolute paths of the members, spares included")
    level: str = value("RAID level")
    name: str = value("name below /dev/md/")
    options: tuple[str, ...] = list_of(str, "further options of mdadm --create", since="2.2")
    spares: int = value("how many of the devices are spares", omit_empty=True, default=0)


class OldStorage(Record):
    """Disks, file systems, files, directories and links."""

    directories: tuple[OldDirectory, ...] = list_of(OldDirectory, "directories", since="2.1")
    disks: tuple[OldDisk, ...] = list_of(OldDisk, "disks and their partitions")
    files: tuple[OldFile, ...] = list_of(OldFile, "regular files")
    filesystems: tuple[OldFilesystem, ...] = list_of(OldFilesystem, "file systems")
    links: tuple[OldLink, ...] = list_of(OldLink, "symbolic and hard links", since="2.1")
    raid: tuple[OldRaid, ...] = list_of(OldRaid, "software RAID arrays")


class OldDropin(Record):
    """A drop-in: a file that changes settings of a unit."""

    contents: str = value("text of the drop-in", secret=True, omit_empty=True, default="")
    name: str = value("file name, ends in `.conf`")


class OldUnit(Record):
    """A systemd unit."""

    contents: str = value("text of the unit", secret=True, omit_empty=True, default="")
    dropins: tuple[OldDropin, ...] = list_of(OldDropin, "drop-ins")
    enable: bool = value("enable the unit; deprecated since 2.1", omit_empty=True, default=False)
    enabled: bool | None = optional("enable or disable the unit", since="2.1")
    mask: bool = value("whether the unit is masked", omit_empty=True, default=False)
    name: str = value("name of the unit with its suffix")


class OldSystemd(Record):
    """systemd units."""

    units: tuple[OldUnit, ...] = list_of(OldUnit, "units")


class OldConfig(Record):
    """A config of version 2.0 to 2.4 as it was written."""

    ignition: OldIgnition = nested(OldIgnition, "version, other configs, settings for fetching")
    networkd: OldNetworkd = nested(OldNetworkd, "units of systemd-networkd")
    passwd: OldPasswd = nested(OldPasswd, "accounts")
    storage: OldStorage = nested(OldStorage, "disks, file systems, files, directories and links")
    systemd: OldSystemd = nested(OldSystemd, "systemd units")
