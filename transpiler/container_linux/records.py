"""The records of a Container Linux Config: those of Ignition 2.3 in YAML, and the sections that ct expands.

What a record of Ignition 2.x says, ct's YAML says with the same names, so most records are used as they are. Fields are
those of version 2.3. Types are read at run time, so this module has no `from __future__ import annotations`.
Source: `config/types` of coreos/container-linux-config-transpiler.
"""

from functools import cache

from provision.config.model import Record, Secret, list_of, nested, optional, value
from provision.config.old_versions import format as old
from transpiler.container_linux import option_versions, options
from transpiler.reading.extended_record import extended

SPEC_MINOR = 3
"""The version 2.3 of Ignition, whose fields the records have."""

TYPE_GUIDS = {
    "linux_filesystem_data": "0fc63daf-8483-4772-8e79-3d69d8477de4",
    "raid_containing_root": "be9067b9-ea49-4f15-b4f6-f36f8c9e1818",
    "raid_partition": "a19d880f-05fc-4d3b-a006-743f0f84911e",
    "swap_partition": "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
}
"""The words that a partition's type may be given as."""


class Hash(Record):
    """A checksum; it counts only if both parts are given."""

    function: str = value("hash function: sha512", example="sha512")
    sum: str = value("checksum in hexadecimal", example="0" * 128)


class Verification(Record):
    """How fetched bytes are verified."""

    hash: Hash = nested(Hash, "checksum of the bytes")


class Reference(Record):
    """Another config, or a bundle of certificates."""

    source: str = value("URL of the bytes; schemes http, https, data, oem, tftp and s3", secret=True)
    verification: Verification = nested(Verification, "how the fetched bytes are verified")


class IgnitionConfig(Record):
    """Other configs that this one builds on."""

    append: tuple[Reference, ...] = list_of(Reference, "configs that are appended to this one, in order")
    replace: Reference = nested(Reference, "config that replaces this one")


class Tls(Record):
    """Certificate authorities for https."""

    certificate_authorities: tuple[Reference, ...] = list_of(Reference, "further certificate authorities")


class Security(Record):
    """Security of fetching."""

    tls: Tls = nested(Tls, "certificate authorities for https")


class Ignition(Record):
    """Other configs that this one uses, and settings for fetching."""

    config: IgnitionConfig = nested(IgnitionConfig, "other configs that this one builds on")
    timeouts: old.OldTimeouts = nested(old.OldTimeouts, "time limits for fetching")
    security: Security = nested(Security, "security of fetching")


class Partition(Record):
    """A partition of a GPT disk."""

    label: str | None = optional("partition's label")
    number: int = value("number in the table; 0 takes the next free one")
    size: str = value("size with a unit, such as 512MiB or 1GiB512MiB; all units are powers of 1024", example="1GiB")
    start: str = value("start, with a unit", example="1MiB")
    guid: str = value("partition's own GUID")
    type_guid: str = value("GUID of the partition's type", constraint=f"or one of the words {', '.join(TYPE_GUIDS)}")


class Disk(Record):
    """A disk and its partition table."""

    device: str = value("absolute path of the disk", example="/dev/sda")
    wipe_table: bool = value("erase the partition table first")
    partitions: tuple[Partition, ...] = list_of(Partition, "partitions")


class Remote(Record):
    """Contents from a URL."""

    url: str = value("URL of the contents", secret=True, example="https://example.com/motd")
    compression: str = value("compression of the bytes: empty or gzip")
    verification: Verification = nested(Verification, "how the fetched bytes are verified")


class Contents(Record):
    """Contents of a file: from a URL, inline, or from a local file."""

    remote: Remote = nested(Remote, "contents from a URL")
    inline: str = value("the contents themselves", secret=True, example="Hello, world!\n")
    local: str = value("file below the files directory (-d) with the contents", example="motd")


class File(old.OldNode):
    """A regular file."""

    mode: int | None = optional("permission bits (default 0644)", example=420)
    contents: Contents = nested(Contents, "contents of the file")
    append: bool = value("add the contents to the end of the file")


class Directory(old.OldDirectory):
    """A directory."""

    mode: int | None = optional("permission bits (default 0755)", example=493)


class Link(old.OldLink):
    """A symbolic or hard link."""


class Storage(Record):
    """Disks, file systems, files, directories and links."""

    disks: tuple[Disk, ...] = list_of(Disk, "disks and their partitions")
    raid: tuple[old.OldRaid, ...] = list_of(old.OldRaid, "software RAID arrays")
    filesystems: tuple[old.OldFilesystem, ...] = list_of(old.OldFilesystem, "file systems")
    files: tuple[File, ...] = list_of(File, "regular files")
    directories: tuple[Directory, ...] = list_of(Directory, "directories")
    links: tuple[Link, ...] = list_of(Link, "symbolic and hard links")


class Etcd(Record):
    """etcd, run by etcd-member.service. Its options depend on its version."""

    version: str | None = optional("version of etcd", example="3.5.0")


class Flannel(Record):
    """flannel, run by flanneld.service. Its options depend on its version."""

    version: str | None = optional("version of flannel", example="0.7.0")
    network_config: str = value(
        "network config as a JSON object; it is written to etcd", example='{"Network": "10.1.0.0/16"}'
    )


class Docker(Record):
    """The Docker daemon."""

    flags: tuple[str, ...] = list_of(str, "flags of the daemon", example=["--debug"])


class Update(Record):
    """Where updates of the operating system come from."""

    group: str = value("update group", constraint="stable, beta or alpha; any with a server", example="stable")
    server: str = value("URL of an update server", example="https://example.com/v1/update/")


class FlatcarUpdate(Update):
    """Where updates of the operating system come from."""

    pcr_policy_server: str = value("URL of the server for TPM policies")
    download_user: str = value("user for downloads")
    download_password: Secret = value("password for downloads", secret=True)
    machine_alias: str = value("name of this machine at the update server")


UPDATE = {"coreos": Update, "flatcar": FlatcarUpdate}
"""Dialect -> the record of its section `update`."""


class Locksmith(Record):
    """When the machine restarts after an update."""

    reboot_strategy: str | None = optional(
        "how restarts are coordinated", constraint="`reboot`, `etcd-lock` or `off`", example="etcd-lock"
    )
    window_start: str | None = optional("start of the maintenance window: `[Day] HH:MM`", example="Thu 04:00")
    window_length: str | None = optional("length of the maintenance window", example="1h30m")
    group: str | None = optional("group of machines that share a lock")
    etcd_endpoints: str | None = optional("URLs of etcd", example="http://127.0.0.1:2379")
    etcd_cafile: str | None = optional("file with etcd's certificate authority")
    etcd_certfile: str | None = optional("file with the client certificate for etcd")
    etcd_keyfile: str | None = optional("file with the client key for etcd")


class ContainerLinuxConfig(Record):
    """A Container Linux Config."""

    version: int = value("version of the format; always 0", default=0)
    ignition: Ignition = nested(Ignition, "other configs that this one uses, and settings for fetching")
    storage: Storage = nested(Storage, "disks, file systems, files, directories and links")
    systemd: old.OldSystemd = nested(old.OldSystemd, "systemd units")
    networkd: old.OldNetworkd = nested(old.OldNetworkd, "units of systemd-networkd")
    passwd: old.OldPasswd = nested(old.OldPasswd, "accounts")
    etcd: Etcd = nested(Etcd, "etcd as a member of a cluster")
    flannel: Flannel = nested(Flannel, "overlay network for containers")
    update: Update = nested(Update, "updates of the operating system")
    docker: Docker = nested(Docker, "the Docker daemon")
    locksmith: Locksmith = nested(Locksmith, "restarts after updates")


class ServiceHead(Record):
    """The part of a section that chooses its options."""

    version: str | None = optional("version of the program")


class Head(Record):
    """The fields of a config that choose the options of etcd and flannel."""

    etcd: ServiceHead = nested(ServiceHead, "etcd")
    flannel: ServiceHead = nested(ServiceHead, "flannel")


@cache
def public_names() -> frozenset[str]:
    """The names of all fields whose values are no secrets, in all versions and dialects."""
    found = {
        name for table in (option_versions.ETCD, option_versions.FLANNEL) for names in table.values() for name in names
    }
    found -= options.SECRETS
    waiting: list[type[Record]] = [ContainerLinuxConfig, *UPDATE.values()]
    while waiting:
        fields = waiting.pop().FIELDS
        found.update(field.name for field in fields if not field.secret)
        waiting.extend(field.record for field in fields if field.record is not None)
    return frozenset(found)


@cache
def config_record(etcd: str, flannel: str, dialect: str) -> type[ContainerLinuxConfig]:
    """The record of a config of a dialect, with the options of versions of etcd and flannel; empty for no options."""
    return extended(
        ContainerLinuxConfig,
        {
            "etcd": (_with_options(Etcd, etcd, option_versions.ETCD), "etcd as a member of a cluster"),
            "flannel": (_with_options(Flannel, flannel, option_versions.FLANNEL), "overlay network for containers"),
            "update": (UPDATE[dialect], "updates of the operating system"),
        },
    )


def _with_options(base: type[Record], version: str, table: option_versions.Table) -> type[Record]:
    """The record of a section, extended by a field for each option of a version of its program."""
    return extended(
        base,
        {
            name: (options.kind_of(name, version), f"option {options.flag(name)} of the program")
            for name in table.get(version, ())
        },
        options.SECRETS,
    )
