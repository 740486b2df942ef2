"""A root device that does not exist."""

from __future__ import annotations

from provision.boot.failure.missing_root import MAX_DISKS, device_text, may_provision, missing_text
from provision.planning.machine_view import Signature


def test_only_boots_that_may_provision_are_explained() -> None:
    assert may_provision("root=LABEL=root ignition.firstboot")
    assert may_provision("provision.firstboot=auto")
    assert may_provision("provision.firstboot=typo")
    assert not may_provision("root=LABEL=root quiet")
    assert not may_provision("provision.firstboot=no")


def test_the_missing_device_is_named_with_what_there_is() -> None:
    devices = ['/dev/vda holds ext4 "system"', "/dev/vdb holds nothing"]
    assert missing_text("/dev/disk/by-label/root", "root=LABEL=root", devices) == [
        "there is no root device /dev/disk/by-label/root (root=LABEL=root on the kernel command line)",
        *devices,
        "hint: correct root=, or let the config make this file system (storage.filesystems)",
    ]


def test_many_devices_are_cut_and_none_is_said() -> None:
    shown = missing_text("/dev/gpt-auto-root", "", [f"/dev/sd{number}" for number in range(MAX_DISKS + 2)])
    assert "... and 2 more" in shown
    assert len(shown) <= MAX_DISKS + 3
    assert "this machine has no disk" in missing_text("/dev/sda1", "root=/dev/sda1", [])


def test_what_a_device_holds() -> None:
    assert device_text("/dev/vda1", Signature("ext4", "root")) == '/dev/vda1 holds ext4 "root"'
    assert device_text("/dev/vda", Signature()) == "/dev/vda holds nothing"
    assert device_text("/dev/vdb", None) == "/dev/vdb cannot be read"
