"""Which lines of /etc/fstab would be wrong for a new root file system."""

from __future__ import annotations

import pytest

from provision.boot.root.fstab import stale_line
from provision.boot.root.replacement import Replacement
from provision.planning.machine_view import Device, Signature

UUID = "5ca1ab1e-0000-4000-8000-000000000001"
FOUND = Replacement(
    "/dev/disk/by-partlabel/system",
    Device("/dev/vda1", 1),
    Signature("ext4", "root", "old"),
    lost=True,
    new=Device("/dev/vda1", 1),
    made=Signature("xfs", "root", UUID),
)


@pytest.mark.parametrize(
    ("text", "stale"),
    [
        ("", ""),
        ("# UUID=old / ext4\n\nLABEL=data /data ext4 defaults 0 2\nUUID=old /", ""),
        ("LABEL=root / auto defaults 0 1\n", ""),
        (f'UUID="{UUID.upper()}" / xfs defaults', ""),
        (f'UUID="{UUID}" / xfs defaults', ""),
        ("PARTLABEL=system / xfs x", ""),
        ("/dev/root / auto x", ""),
        ("LABEL=data /data ext4 x\nUUID=old / auto defaults 0 1", "UUID=old"),
        ("LABEL=root / ext4 errors=remount-ro 0 1", "the type ext4"),
        ("/dev/vda1 / auto x", "/dev/vda1"),
    ],
)
def test_what_the_new_root_does_not_have(text: str, stale: str) -> None:
    assert stale_line(text, FOUND) == stale
