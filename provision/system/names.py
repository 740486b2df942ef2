"""How udev spells names below /dev/disk, so that one can be answered from tables and signatures."""

from __future__ import annotations

from provision.observe import Partition, Signature

_ALLOWED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#+-.:=@_")


def encoded(text: str) -> str:
    r"""A label as the name of a link: everything but letters, digits and `#+-.:=@_` becomes `\xHH`.

    Characters beyond ASCII stay (udev's `encode_devnode_name`, which libblkid has as `blkid_encode_string`).
    """
    return "".join(char if ord(char) >= 0x80 or ord(char) in _ALLOWED else f"\\x{ord(char):02x}" for char in text)


def of_partition(partition: Partition) -> frozenset[str]:
    """The links that follow from a partition's entry in a GPT."""
    label = {f"/dev/disk/by-partlabel/{encoded(partition.label)}"} if partition.label else set()
    return frozenset({*label, f"/dev/disk/by-partuuid/{partition.guid.lower()}"})


def of_signature(signature: Signature) -> frozenset[str]:
    """The links that follow from what is on a device."""
    label = {f"/dev/disk/by-label/{encoded(signature.label)}"} if signature.label else set()
    uuid = {f"/dev/disk/by-uuid/{encoded(signature.uuid)}"} if signature.uuid else set()
    return frozenset({*label, *uuid})


def asks_for_signature(name: str) -> bool:
    """Whether only a look at a device's contents can tell if this is its name."""
    return name.startswith(("/dev/disk/by-label/", "/dev/disk/by-uuid/"))
