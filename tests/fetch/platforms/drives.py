"""Drives with a label: a file system image on a loop device, with the link that udev would make."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

OPENSTACK, CLOUDSTACK = "/openstack/latest/user_data", "/cloudstack/userdata/user_data.txt"
DRIVES = [
    ("ibmcloud", "cidata", "/user-data"),
    ("nutanix", "config-2", OPENSTACK),
    ("powervs", "config-2", OPENSTACK),
    ("openstack", "config-2", OPENSTACK),
    ("openstack", "CONFIG-2", OPENSTACK),
    ("brightbox", "config-2", OPENSTACK),
    ("brightbox", "CONFIG-2", OPENSTACK),
    ("cloudstack", "config-2", CLOUDSTACK),
    ("cloudstack", "CONFIG-2", CLOUDSTACK),
    ("proxmoxve", "cidata", "/user-data"),
    ("proxmoxve", "cidata", "/vendor-data"),
    ("kubevirt", "cidata", "/user-data"),
    ("kubevirt", "config-2", OPENSTACK),
]
"""Platform, label of its drive, and file, from the platforms' documentation and Ignition."""


@contextmanager
def drive(root: Path, label: str, files: Mapping[str, bytes], *, linked: bool = True) -> Iterator[Path]:
    """An ext4 drive with some files, plugged into the machine whose interfaces lie below `root`.

    Returns the link below /dev/disk/by-label; `plug` makes it, if it is not made at once.
    """
    content, image = root / f"content-{label}", root / f"{label}.img"
    for path, data in files.items():
        target = content / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    subprocess.run(["truncate", f"--size={2 + sum(map(len, files.values())) * 2 // (1 << 20)}M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", "-L", label, "-d", content, image], check=True)
    attached = subprocess.run(
        ["losetup", "--find", "--show", "--read-only", image], check=True, capture_output=True, text=True
    )
    node = attached.stdout.strip()
    link = root / "dev/disk/by-label" / label
    link.parent.mkdir(parents=True, exist_ok=True)
    if linked:
        plug(link, node)
    (root / f"{label}.node").write_text(node)
    try:
        yield link
    finally:
        subprocess.run(["losetup", "--detach", node], check=True)


def plug(link: Path, node: str) -> None:
    """Make the link that udev would make."""
    link.symlink_to(node)
