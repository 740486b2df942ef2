"""The records of Butane's YAML: those of the Ignition format, extended by the shorthands that sugar expands.

`since` and `until` are Ignition spec versions. Butane numbers its base 0.1, 0.2, ...; these match 3.0, 3.1, ...
Types are read at run time, so this module has no `from __future__ import annotations`.
Source: coreos/butane `base/*/schema.go`, `config/*/*/schema.go`.
"""

from provision.config import format as ignition_format
from provision.config.model import Record, Secret, list_of, nested, optional, value
from transpiler.reading.typed import TextMap

LAYOUTS = {
    "aarch64": "3.0",
    "ppc64le": "3.0",
    "s390x-eckd": "3.5",
    "s390x-virt": "3.5",
    "s390x-zfcp": "3.5",
    "x86_64": "3.0",
}

ROLE_LABEL = "machineconfiguration.openshift.io/role"


def _contents_key(resource: Record) -> str:
    """`source`, `local` or `inline`"""
    names = ("source", "local", "inline")
    return next((f"{name}:{text}" for name in names if (text := getattr(resource, name)) is not None), "")


class Resource(ignition_format.Resource, key=_contents_key):
    """Contents from a URL, from a local file or inline."""

    inline: str | None = optional("the contents themselves", secret=True, example="Hello, world!\n")
    local: str | None = optional("file below the files directory (-d) with the contents", since="3.1", example="motd")


class ConfigResource(ignition_format.ConfigResource, key=_contents_key):
    """Another config, or a bundle of certificates, from a URL, from a local file or inline."""

    inline: str | None = optional("the contents themselves", secret=True, since="3.1")
    local: str | None = optional("file below the files directory (-d) with the contents", since="3.1")


class IgnitionConfig(ignition_format.IgnitionConfig):
    """Other configs that this one builds on."""

    merge: tuple[ConfigResource, ...] = list_of(
        ConfigResource, "configs merged into this one, in order; later ones win"
    )
    replace: ConfigResource = nested(ConfigResource, "config that replaces this one")


class Tls(ignition_format.Tls):
    """Certificate authorities for https."""

    certificate_authorities: tuple[ConfigResource, ...] = list_of(
        ConfigResource, "further certificate authorities, as PEM bundles"
    )


class Security(ignition_format.Security):
    """Security of fetching."""

    tls: Tls = nested(Tls, "certificate authorities for https")


class Ignition(ignition_format.Ignition):
    """Other configs that this one uses, and settings for fetching."""

    config: IgnitionConfig = nested(IgnitionConfig, "other configs that this one builds on")
    security: Security = nested(Security, "security of fetching")
    version: str = value("version of the format; follows from the variant and its version", until="3.0")


class User(ignition_format.User, key="name"):
    """A user account."""

    ssh_authorized_keys_local: tuple[str, ...] = list_of(
        str,
        "files below the files directory (-d) with public keys, one per line",
        since="3.4",
        example=["id_ed25519.pub"],
    )


class Passwd(ignition_format.Passwd):
    """Accounts."""

    users: tuple[User, ...] = list_of(User, "user accounts")


class File(ignition_format.File, key="path"):
    """A regular file."""

    append: tuple[Resource, ...] = list_of(Resource, "contents added at the end, in order", appends=True)
    contents: Resource = nested(Resource, "contents of the file")


class Filesystem(ignition_format.Filesystem, key="device"):
    """A file system on a device."""

    with_mount_unit: bool | None = optional("also make a systemd unit that mounts it at every boot", since="3.1")


class Luks(ignition_format.Luks, key="name"):
    """An encrypted volume (LUKS2)."""

    key_file: Resource = nested(Resource, "key (default: a random key)")


class Tree(Record):
    """A directory of local files that becomes files, directories and links."""

    group: ignition_format.Owner = nested(
        ignition_format.Owner, "owning group of every node (default root)", since="3.6"
    )
    local: str = value("directory below the files directory (-d)", constraint="required", example="tree")
    path: str | None = optional("where the tree is put (default `/`)", example="/etc/app")
    user: ignition_format.Owner = nested(ignition_format.Owner, "owning user of every node (default root)", since="3.6")
    file_mode: int | None = optional(
        "permission bits of new files (default 0755 if the local file is executable, else 0644)",
        since="3.6",
        limits=ignition_format.MODE_LIMITS,
        example=0o644,
    )
    dir_mode: int | None = optional(
        "permission bits of directories (default 0755); if set, all directories of the tree are created",
        since="3.6",
        limits=ignition_format.MODE_LIMITS,
        example=0o755,
    )


class Storage(ignition_format.Storage):
    """Disks, file systems, files, directories and links."""

    files: tuple[File, ...] = list_of(File, "regular files", unique_by="path")
    filesystems: tuple[Filesystem, ...] = list_of(Filesystem, "file systems")
    luks: tuple[Luks, ...] = list_of(Luks, "encrypted volumes", since="3.2")
    trees: tuple[Tree, ...] = list_of(Tree, "directories of local files", since="3.1", appends=True)


class Dropin(ignition_format.Dropin, key="name"):
    """A drop-in: a file that changes settings of a unit."""

    contents_local: str | None = optional("file below the files directory (-d) with the text", since="3.4")


class Unit(ignition_format.Unit, key="name"):
    """A systemd unit."""

    contents_local: str | None = optional("file below the files directory (-d) with the text", since="3.4")
    dropins: tuple[Dropin, ...] = list_of(Dropin, "drop-ins")


class Quadlet(Record, key="name"):
    """A Podman quadlet: a container, volume, network ... that systemd runs."""

    contents: str | None = optional("text of the quadlet", secret=True)
    contents_local: str | None = optional("file below the files directory (-d) with the text")
    name: str = value("name with its suffix; `app@one.container` links to the template `app@.container`")
    rootful: bool = value("whether it runs as root, not as a user")
    dropins: tuple[Dropin, ...] = list_of(Dropin, "drop-ins")


class Systemd(ignition_format.Systemd):
    """Units of systemd, and Podman quadlets."""

    units: tuple[Unit, ...] = list_of(Unit, "units")
    quadlets: tuple[Quadlet, ...] = list_of(Quadlet, "Podman quadlets", since="3.7")


class Head(Record):
    """The fields that identify the variant of a config."""

    version: str = value("version of the variant")
    variant: str = value("kind of system the config is for")


class Butane(Record):
    """The fields of a config that all variants have."""

    version: str = value("version of the variant", constraint="required", example="1.5.0")
    variant: str = value("kind of system the config is for", constraint="required", example="fcos")
    ignition: Ignition = nested(Ignition, "other configs that this one uses, and settings for fetching")
    kernel_arguments: ignition_format.KernelArguments = nested(
        ignition_format.KernelArguments, "kernel command line", since="3.3"
    )
    passwd: Passwd = nested(Passwd, "accounts")
    storage: Storage = nested(Storage, "disks, file systems, files, directories and links")
    systemd: Systemd = nested(Systemd, "units of systemd, and Podman quadlets")


class BootLuks(Record):
    """How the root file system is encrypted."""

    cex: ignition_format.Cex = nested(
        ignition_format.Cex, "IBM Z Crypto Express; not together with tang or tpm2", since="3.5"
    )
    discard: bool | None = optional("pass discards through to the device", since="3.4")
    device: str | None = optional(
        "whole disk, with layouts s390x-eckd and s390x-zfcp", since="3.5", example="/dev/dasda"
    )
    tang: tuple[ignition_format.Tang, ...] = list_of(ignition_format.Tang, "Tang servers")
    threshold: int | None = optional("how many pins are needed (default 1)")
    tpm2: bool | None = optional("whether the TPM2 is used as a pin")


class Mirror(Record):
    """How the boot disk is mirrored."""

    devices: tuple[str, ...] = list_of(
        str, "whole disks, at least two", example=["/dev/disk/by-id/ata-1", "/dev/disk/by-id/ata-2"]
    )


class BootDevice(Record):
    """The disk that the system starts from."""

    layout: str | None = optional("layout of the operating system's image", choices=LAYOUTS, example="x86_64")
    luks: BootLuks = nested(BootLuks, "encryption of the root file system")
    mirror: Mirror = nested(Mirror, "mirroring over several disks")


class GrubUser(Record):
    """A user who may edit boot entries."""

    name: str = value("name of the user", constraint="required", example="root")
    password_hash: Secret | None = optional("hash made by grub2-mkpasswd-pbkdf2", constraint="required", secret=True)


class Grub(Record):
    """The boot loader."""

    users: tuple[GrubUser, ...] = list_of(GrubUser, "superusers of the boot loader")


class Fcos(Butane):
    """A config for Fedora CoreOS."""

    boot_device: BootDevice = nested(BootDevice, "the disk that the system starts from", since="3.2")
    grub: Grub = nested(Grub, "the boot loader", since="3.4")


class Metadata(Record):
    """The name and labels of the MachineConfig."""

    name: str = value("name of the MachineConfig", constraint="required", example="99-worker-custom")
    labels: TextMap = nested(
        TextMap, "labels of the MachineConfig", constraint=f"`{ROLE_LABEL}` is required", example={ROLE_LABEL: "worker"}
    )


class OpenShiftFields(Record):
    """The fields of a MachineConfig besides the Ignition config."""

    kernel_arguments: tuple[str, ...] = list_of(str, "arguments added to the kernel command line")
    extensions: tuple[str, ...] = list_of(str, "extensions of the operating system")
    fips: bool | None = optional("whether FIPS 140-2 mode is enabled")
    kernel_type: str | None = optional(
        "kind of kernel", choices={"": "3.0", "default": "3.0", "realtime": "3.0"}, example="realtime"
    )


class OpenShift(Fcos):
    """A config for OpenShift's Machine Config Operator."""

    metadata: Metadata = nested(Metadata, "name and labels of the MachineConfig")
    openshift: OpenShiftFields = nested(OpenShiftFields, "fields of the MachineConfig besides the Ignition config")
