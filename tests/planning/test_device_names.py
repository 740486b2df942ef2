"""Names of devices as udev and the kernel spell them."""

from __future__ import annotations

import pytest

from provision.planning.device_names import kernel_partition, link, of_partition, of_signature
from provision.planning.machine_view import PartitionEntry, Signature


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("data", "data"),
        ("my data", "my\\x20data"),
        ("a/b", "a\\x2fb"),
        ("é", "é"),
        ("#+-.:=@_", "#+-.:=@_"),
        ("\\", "\\x5c"),
    ],
)
def test_links_are_spelled_as_udev_does(label: str, name: str) -> None:
    assert link("by-label", label) == f"/dev/disk/by-label/{name}"


@pytest.mark.parametrize(
    ("disk", "partition"),
    [("/dev/vda", "/dev/vda3"), ("/dev/nvme0n1", "/dev/nvme0n1p3"), ("/dev/loop0", "/dev/loop0p3")],
)
def test_partitions_are_named_as_the_kernel_does(disk: str, partition: str) -> None:
    assert kernel_partition(disk, 3) == partition


def test_what_is_not_known_gives_no_link() -> None:
    assert of_signature(Signature("ext4", None, None)) == ()
    assert of_partition(PartitionEntry(1, 2048, 1, "T", "AB-CD")) == ("/dev/disk/by-partuuid/ab-cd",)
