r"""How the kernel and udev name devices: which names follow from a partition, a signature, a mapping.

In a link below /dev/disk every ASCII character except letters, digits and `#+-.:=@_` is written as `\xHH` (udev's
`encode_devnode_name`, in libblkid `blkid_encode_string`).
"""

from __future__ import annotations

from provision.planning.machine_view import Device, PartitionEntry, Signature

BY_CONTENTS = ("/dev/disk/by-label/", "/dev/disk/by-uuid/")
"""Links that follow from the contents of a device."""

SHARED = (*BY_CONTENTS, "/dev/disk/by-partlabel/", "/dev/disk/by-partuuid/")
"""Directories of links that several devices may claim. udev gives such a link to one of them."""

BY_MAPPING = "/dev/disk/by-id/dm-name-"
"""The path in front of the name of a device-mapper device."""

PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#+-.:=@_")
"""What udev leaves as it is, and libdevmapper too (`_mangle_string`)."""


def link(kind: str, text: str) -> str:
    """The link for a label or UUID: `link("by-partlabel", "my data")`."""
    plain = (char if char in PLAIN or not char.isascii() else f"\\x{ord(char):02x}" for char in text)
    return f"/dev/disk/{kind}/{''.join(plain)}"


def of_partition(partition: PartitionEntry) -> tuple[str, ...]:
    """The links that follow from a partition's entry in a GPT."""
    label = (link("by-partlabel", partition.label),) if partition.label else ()
    return (link("by-partuuid", partition.guid.lower()), *label)


def of_signature(signature: Signature) -> tuple[str, ...]:
    """The links that follow from what is on a device, as far as it is known."""
    label = (link("by-label", signature.label),) if signature.label else ()
    uuid = (link("by-uuid", signature.uuid),) if signature.uuid else ()
    return (*label, *uuid)


def kernel_partition(disk: str, number: int) -> str:
    """How the kernel names a partition: `/dev/vda1`, `/dev/nvme0n1p1` (Linux `disk_name`: a `p` after a digit)."""
    return f"{disk}{'p' if disk[-1:].isdigit() else ''}{number}"


def partition_name(disk: Device, number: int) -> str:
    """The kernel's name of a partition; where it is not known (device mapper, a disk that is not there) udev's link.

    Source: kpartx's rules for device mapper.
    """
    if disk.mapper:
        return f"{BY_MAPPING}{disk.mapper}p{number}"
    if disk.assumed and disk.name.startswith("/dev/disk/by-"):
        return f"{disk.name}-part{number}"
    return kernel_partition(disk.name, number)


def partition_aliases(disk: str, number: int) -> tuple[str, ...]:
    """Names of a partition that follow from the name that the config gives its disk.

    Source: systemd `60-persistent-storage.rules` (`-part%n`), mdadm `63-md-raid-arrays.rules`.
    """
    if disk.startswith("/dev/disk/by-"):
        return (f"{disk}-part{number}",)
    return (kernel_partition(disk, number),) if disk.startswith("/dev/md/") else ()
